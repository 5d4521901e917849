"""A float network in integers: which layers, how small, and the same integers on every target."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.lif import Lif
from edgeeeg_export import capture, reference
from edgeeeg_export.lowering import lower
from edgeeeg_export.ops.conv_kernels import SCRATCH_BYTES
from edgeeeg_export.ops.quantized_conv import QuantizedConv
from edgeeeg_export.ops.quantized_linear import QuantizedLinear
from edgeeeg_export.passes.plan import plan
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.calibration import calibrate
from edgeeeg_export.quantize.observers import OBSERVERS
from edgeeeg_export.targets import c
from edgeeeg_export.targets.onnx_run import run_steps

N_CHANS, HOP, STEPS = 3, 8, 60
KINDS = ("QuantizedConv", "QuantizedLinear", "QuantizedAdd", "Table")


class Network(nn.Module):
    """Convolutions with a residual, a nonlinearity, a pool, spikes and a dense head."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.first = CausalConv1d(N_CHANS, 16, 32, stride=4)
        self.second = CausalConv1d(16, 16, 9)
        self.pool = nn.AvgPool1d(2)
        self.spikes, self.head = Lif(16), nn.Linear(16, 2)

    def forward(self, x):
        features = torch.relu(self.first(x * 0.5))
        features = self.pool(features + torch.tanh(self.second(features)))
        return self.head(self.spikes(3 * features.transpose(1, 2)))


@pytest.fixture(scope="module")
def model():
    return capture.to_onnx(capture.trace(Network().eval(), N_CHANS, 64)).model


@pytest.fixture(scope="module")
def signal():
    return np.random.default_rng(0).normal(size=(1, N_CHANS, HOP * STEPS)).astype(np.float32)


def quantized(model, signal, observer="min-max", width="int8"):
    plain = lower(model, "net", HOP)
    formats = assign(calibrate(stream(plain.captured, HOP), {"eeg": signal}, observer), {}, width)
    return plain, lower(model, "net", HOP, formats=formats), formats


def test_layers_with_an_integer_form_take_it_and_the_rest_stays_float(model, signal):
    _, integers, _ = quantized(model, signal)
    kinds = [node.op.kind for node in integers.step.nodes]
    assert {*KINDS, "Lif"} <= set(kinds)
    assert "Conv" not in kinds
    assert "Linear" not in kinds
    types = {node.op.kind: integers.step.tensors[node.outputs[0]].dtype for node in integers.step.nodes}
    assert types["QuantizedConv"] == types["Cache"] == "int8"
    assert types["Lif"] == "float32"
    assert all(integers.step.tensors[name].dtype == "float32" for name in integers.step.outputs)


@pytest.mark.parametrize("observer", OBSERVERS)
def test_it_stays_near_the_float_model(model, signal, observer):
    plain, integers, formats = quantized(model, signal, observer)
    features = "linear" if "linear" in plain.offline.tensors else plain.offline.outputs[0]
    truth = reference.run(plain.offline, {"eeg": signal}).tensors
    result = reference.run(integers.offline, {"eeg": signal}).tensors
    before_spikes = next(node.inputs[0] for node in plain.offline.nodes if node.op.kind == "Lif")
    error = np.abs(result[before_spikes] - truth[before_spikes])
    assert error.max() < 12 * formats[before_spikes].scale
    assert np.isfinite(result[features]).all()


@pytest.mark.parametrize("width", ["int8", "int16"])
@pytest.mark.parametrize("hop", [HOP, 3 * HOP])
def test_numpy_c_and_onnxruntime_give_the_same_bits(model, signal, hop, width, native, counts, as_input):
    samples = counts(HOP * STEPS // (3 * HOP) * 3 * HOP, N_CHANS)
    x = as_input(samples)
    _, integers, _ = quantized(model, x, width=width)
    assert {node.op.width for node in integers.step.nodes if node.op.kind == "QuantizedConv"} == {width}
    step = stream(integers.offline, hop)
    (name,) = step.outputs
    truth = reference.run(integers.offline, {"eeg": x}).tensors[name]
    compiled = native(step).push(samples)
    np.testing.assert_array_equal(np.ravel(compiled).view(np.uint32), np.ravel(truth).view(np.uint32))
    np.testing.assert_allclose(run_steps(step, {"eeg": x})[name], truth, atol=1e-6)


class LookingAhead(nn.Module):
    """`same` convolutions with a residual between them: delays, gates and padding inside, all of int8."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.first = nn.Conv1d(N_CHANS, 8, 9, padding="same")
        self.second, self.third = (nn.Conv1d(8, 8, 7, padding="same") for _ in range(2))

    def forward(self, x):
        x = torch.tanh(self.first(x * 0.5))
        return self.third(x + torch.sigmoid(self.second(x)))


@pytest.mark.parametrize("width", ["int8", "int16"])
def test_look_ahead_is_gated_and_flushed_in_integers(width, native, counts, as_input):
    network = LookingAhead().eval()
    model = capture.to_onnx(capture.trace(network, N_CHANS, 64)).model
    samples = counts(HOP * STEPS, N_CHANS)
    x = as_input(samples)
    _, integers, _ = quantized(model, x, width=width)
    step = integers.step
    assert {"Gate", "Delay"} <= {node.op.kind for node in step.nodes}
    (name,) = step.outputs
    inside = [n for n in step.nodes if n.op.kind in ("Gate", "Delay") and n.outputs != (name,)]
    assert {step.tensors[node.outputs[0]].dtype for node in inside} == {width}
    truth = reference.run(integers.offline, {"eeg": x}).tensors[name]
    streamed = reference.run_stream(step, {"eeg": x}, 3)[name]
    np.testing.assert_array_equal(streamed.view(np.uint32), truth.view(np.uint32))
    program = native(step)
    rows = np.concatenate([program.push(samples), program.flush(step.timing.flush)])
    pieces = [np.ravel(truth[:, :, t : t + HOP]) for t in range(0, truth.shape[2], HOP)]
    np.testing.assert_array_equal(rows.view(np.uint32), np.stack(pieces).view(np.uint32))
    np.testing.assert_allclose(run_steps(step, {"eeg": x})[name], truth, atol=1e-6)


def test_weights_shrink_to_a_third_and_states_of_convolutions_to_a_quarter(model, signal, monkeypatch):
    plain, integers, _ = quantized(model, signal)
    before, after = (c.emit(lowered.step, 1.0) for lowered in (plain, integers))
    assert after.weight_bytes < 0.35 * before.weight_bytes
    assert after.arena_bytes < before.arena_bytes + SCRATCH_BYTES
    # that of tensors alone, without what kernels widen their operands in
    monkeypatch.setattr(QuantizedConv, "scratch", lambda op, inputs: 0)
    monkeypatch.setattr(QuantizedLinear, "scratch", lambda op, inputs: 0)
    of_tensors = plan(integers.step, waiting=True).arena
    assert of_tensors < 0.6 * before.arena_bytes
    caches = [
        sum(state.nbytes for state in step.all_states() if ".frames" in state.name)
        for step in (plain.step, integers.step)
    ]
    assert 4 * caches[1] == caches[0] > 0


def test_a_state_of_integers_goes_through_c_and_back(model, signal, native, counts):
    samples = counts(HOP * STEPS, N_CHANS)
    _, integers, _ = quantized(model, signal)
    whole = native(integers.step).push(samples)
    first, second = native(integers.step), native(integers.step)
    cut = HOP * 20 + 3
    head = first.push(samples[:cut])
    second.push(samples[:11])
    second.restore(first.save())
    np.testing.assert_array_equal(np.concatenate([head, second.push(samples[cut:])]), whole)


class Parts(nn.Module):
    """A dense layer of which one half is a hundred times as large as the other, read in halves or whole."""

    def __init__(self, whole: bool):
        super().__init__()
        torch.manual_seed(2)
        self.layer, self.whole = nn.Linear(N_CHANS, 8), whole
        with torch.no_grad():
            self.layer.weight[4:] *= 100

    def forward(self, x):
        y = self.layer(x.transpose(1, 2))
        small, large = y.chunk(2, dim=-1)
        scores = torch.tanh(small) + torch.tanh(0.01 * large)
        return scores + y.mean(dim=-1, keepdim=True) if self.whole else scores


@pytest.mark.parametrize("whole", [False, True])
def test_slices_that_are_all_that_is_read_have_scales_of_their_own(signal, whole, native, counts, as_input):
    model = capture.to_onnx(capture.trace(Parts(whole).eval(), N_CHANS, 64)).model
    plain, integers, formats = quantized(model, signal)
    small, _ = (node.outputs[0] for node in plain.offline.nodes if node.op.kind == "Slice")
    truth = reference.run(plain.offline, {"eeg": signal}).tensors[small]
    values = reference.run(integers.offline, {"eeg": signal}).tensors[f"{small}.int8"]
    used = int(np.abs(values).max())
    # a part that shares its steps with a hundred times larger one is left one or two of them
    assert used <= 2 if whole else used == 127
    if not whole:
        assert np.abs(values * np.float32(formats[small].scale) - truth).max() < 3 * formats[small].scale
        samples = counts(HOP * STEPS, N_CHANS)
        (name,) = integers.offline.outputs
        expected = reference.run(integers.offline, {"eeg": as_input(samples)}).tensors[name]
        compiled = native(integers.step).push(samples)
        np.testing.assert_array_equal(np.ravel(compiled).view(np.uint32), np.ravel(expected).view(np.uint32))
