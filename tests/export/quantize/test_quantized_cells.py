"""Recurrences of a captured model in integers: their forms, and the same integers on every target."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.layers.time_mixing4 import TimeMixing4
from edgeeeg_export import capture, reference
from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.lowering import lower
from edgeeeg_export.ops.guarded import Guarded
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.calibration import calibrate
from edgeeeg_export.quantize.format import Format, state_name
from edgeeeg_export.targets.onnx_run import run_steps

N_CHANS, HOP, STEPS = 3, 4, 150
LAYERS = {
    "lif": (lambda: Lif(12), "Lif", "QuantizedLif", {"mem"}),
    "mamba": (lambda: MambaBlock(12), "SelectiveScan", "QuantizedSelectiveScan", {"h"}),
    "rwkv": (lambda: TimeMixing4(12), "Wkv4", "QuantizedWkv4", {"num", "den", "max", "started"}),
}


class Network(nn.Module):
    """A convolution, a recurrence and a dense head."""

    def __init__(self, layer):
        super().__init__()
        torch.manual_seed(1)
        self.first, self.layer, self.head = CausalConv1d(N_CHANS, 12, 16, stride=4), layer(), nn.Linear(12, 2)

    def forward(self, x):
        return self.head(self.layer(3 * torch.tanh(self.first(x)).transpose(1, 2)))


class Late(Network):
    """The same behind a convolution that sees frames to come: its first results lie before the recording."""

    def __init__(self, layer):
        super().__init__(layer)
        self.first = nn.Conv1d(N_CHANS, 12, 17, stride=4, padding=8)


@pytest.fixture(scope="module", params=LAYERS)
def subject(request):
    layer, *rest = LAYERS[request.param]
    model = capture.to_onnx(capture.trace(Network(layer).eval(), N_CHANS, 64)).model
    signal = np.random.default_rng(0).normal(size=(1, N_CHANS, HOP * STEPS)).astype(np.float32)
    plain = lower(model, "net", HOP)
    return model, plain, signal, calibrate(stream(plain.captured, HOP), {"eeg": signal}, "min-max"), rest


def cells(graph, kind):
    return [node for node in graph.nodes if node.op.kind == kind]


def sqnr_db(truth, value):
    return 10 * np.log10(np.square(truth, dtype=np.float64).mean() / np.square(truth - value).mean())


@pytest.mark.parametrize(("tensors", "states"), [("int8", "int16"), ("int8", "int32"), ("int16", "int16")])
def test_integers_are_the_same_on_every_target(subject, tensors, states, same_everywhere):
    model, _, signal, seen, (floats, integers, _) = subject
    lowered = lower(model, "net", HOP, formats=assign(seen, {}, tensors, states))
    (node,) = cells(lowered.step, integers)
    assert not cells(lowered.step, floats)
    assert {state.dtype for state in lowered.step.states[node.name]} <= {states, "int32", "int8"}
    same_everywhere(lowered.offline, lowered.step, 40)
    values = reference.run(lowered.offline, {"eeg": signal}).tensors
    judged = run_steps(lowered.step, {"eeg": signal}, expose=node.outputs)
    np.testing.assert_array_equal(judged[node.outputs[0]], values[node.outputs[0]])


@pytest.mark.parametrize("states", ["int16", "int32"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_sleeps_until_the_recording_has_reached_it(name, states, same_everywhere):
    layer, _, integers, _ = LAYERS[name]
    model = capture.to_onnx(capture.trace(Late(layer).eval(), N_CHANS, 64)).model
    signal = np.random.default_rng(0).normal(size=(1, N_CHANS, HOP * STEPS)).astype(np.float32)
    seen = calibrate(stream(lower(model, "net", HOP).captured, HOP), {"eeg": signal}, "min-max")
    lowered = lower(model, "net", HOP, formats=assign(seen, {}, "int8", states))
    (node,) = cells(lowered.step, integers)
    assert isinstance(node.op, Guarded)
    same_everywhere(lowered.offline, lowered.step, 40)


@pytest.mark.parametrize("states", ["int16", "int32"])
def test_a_saved_state_goes_on_where_it_was(subject, states, native, counts):
    model, _, _, seen, _ = subject
    step = lower(model, "net", HOP, formats=assign(seen, {}, "int8", states)).step
    samples = counts(HOP * 60, N_CHANS)
    whole, first = native(step).push(samples), native(step)
    before = first.push(samples[: HOP * 25])
    second = native(step)
    second.restore(first.save())
    np.testing.assert_array_equal(np.concatenate([before, second.push(samples[HOP * 25 :])]), whole)


def test_they_follow_the_float_model(subject):
    model, plain, signal, seen, (_, integers, _) = subject
    output = plain.step.outputs[0]
    truth = reference.run_stream(plain.step, {"eeg": signal}, 8)[output]
    found = {}
    for formats in (("int8", "int16"), ("int16", "int16"), ("int16", "int32")):
        lowered = lower(model, "net", HOP, formats=assign(seen, {}, *formats))
        found[formats] = sqnr_db(truth, reference.run_stream(lowered.step, {"eeg": signal}, 8)[output])
    assert found["int8", "int16"] > 8  # spikes that flip are whole steps; others are above 20 dB
    if integers != "QuantizedLif":
        assert found["int8", "int16"] > 20
        assert found["int16", "int16"] > found["int8", "int16"] + 10


def test_a_state_of_floats_keeps_the_layer_in_floats(subject):
    model, _, _, seen, (floats, integers, _) = subject
    lowered = lower(model, "net", HOP, formats=assign(seen, {}, "int8", "float32"))
    assert (len(cells(lowered.step, floats)), len(cells(lowered.step, integers))) == (1, 0)


def test_every_state_was_calibrated(subject):
    _, plain, _, seen, (floats, _, states) = subject
    (node,) = cells(plain.captured, floats)
    assert {name.partition(":")[2] for name in seen.states} == states
    assert set(seen.states) == {state_name(node.outputs[0], state) for state in states}


def test_spikes_are_whole_numbers_for_the_next_layer():
    layer, *_ = LAYERS["lif"]
    model = capture.to_onnx(capture.trace(Network(layer).eval(), N_CHANS, 64)).model
    signal = np.random.default_rng(0).normal(size=(1, N_CHANS, HOP * STEPS)).astype(np.float32)
    plain = lower(model, "net", HOP)
    seen = calibrate(stream(plain.captured, HOP), {"eeg": signal}, "min-max")
    lowered = lower(model, "net", HOP, formats=assign(seen, {}, "int8", "int16"))
    (node,) = cells(lowered.step, "QuantizedLif")
    spikes = reference.run(lowered.offline, {"eeg": signal}).tensors[node.outputs[0]]
    assert set(np.unique(spikes)) == {0, 1}
    (reader,) = lowered.step.consumers(node.outputs[0])
    assert reader.op.kind == "QuantizedEventLinear"


def test_a_threshold_below_a_step_names_the_layer():
    layer, *_ = LAYERS["lif"]
    model = capture.to_onnx(capture.trace(Network(layer).eval(), N_CHANS, 64)).model
    plain = lower(model, "net", HOP)
    signal = np.random.default_rng(0).normal(size=(1, N_CHANS, HOP * STEPS)).astype(np.float32)
    formats = assign(calibrate(stream(plain.captured, HOP), {"eeg": signal}, "min-max"), {}, "int8", "int16")
    (name,) = (name for name in formats if name.endswith(":mem"))
    formats[name] = replace(formats[name], scale=9.0)
    with pytest.raises(
        QuantizationError, match=r"layer 'layer' \(Lif\): integer LIF: the greatest threshold"
    ):
        lower(model, "net", HOP, formats=formats)
    formats[name] = Format("int32", 9.0)
    with pytest.raises(QuantizationError, match="int32"):
        lower(model, "net", HOP, formats=formats)
