"""Recurrences inside windows in integers, states and all: calibrated there, and the same on every target."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg.layers.bidirectional import Bidirectional
from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.layers.time_mixing4 import TimeMixing4
from edgeeeg_export import reference
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.calibration import calibrate
from edgeeeg_export.quantize.format import Format, state_name
from edgeeeg_export.quantize.window_states import window_states
from edgeeeg_export.targets.onnx_run import run_steps

N_CHANS, N_STEPS = 3, 24


class Sequence(nn.Module):
    """The sequence of a torch recurrence, without its final state."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


class WindowNetwork(nn.Module):
    """A strided convolution, a layer that reads windows from their end, and the mean over a window."""

    n_chans, n_times, sfreq = N_CHANS, 64, 128.0

    def __init__(self, layer, width=12):
        super().__init__()
        self.first, self.layer = CausalConv1d(N_CHANS, 12, 8, stride=4), layer()
        self.head = nn.Linear(width, 2)

    def forward(self, x):
        y = 3 * torch.tanh(self.first(x)).transpose(1, 2)
        return self.head(self.layer(y.flip(1)).mean(1))


MODELS = {
    "bidirectional Mamba": (
        lambda: WindowNetwork(lambda: Bidirectional(MambaBlock(12), MambaBlock(12))),
        "SelectiveScan",
        {"h"},
    ),
    "RWKV-4": (lambda: WindowNetwork(lambda: TimeMixing4(12)), "Wkv4", {"num", "den", "max", "started"}),
    "LIF": (lambda: WindowNetwork(lambda: Lif(12)), "Lif", {"mem"}),
    "bidirectional GRU": (
        lambda: WindowNetwork(lambda: Sequence(nn.GRU(12, 6, batch_first=True, bidirectional=True))),
        "Gru",
        {"h"},
    ),
    "bidirectional LSTM": (
        lambda: WindowNetwork(lambda: Sequence(nn.LSTM(12, 6, batch_first=True, bidirectional=True))),
        "Lstm",
        {"h", "c"},
    ),
}
GATED = {"Gru", "Lstm"}


def cells(graph, kind):
    return [node for node in graph.nodes if node.op.kind == kind]


@cache
def captured(name):
    torch.manual_seed(1)
    return load_model(MODELS[name][0]().eval()).onnx_model


@cache
def prepared(name, hop, semantics="continuous"):
    model = captured(name)
    signal = np.random.default_rng(0).normal(size=(1, N_CHANS, hop * 150)).astype(np.float32)
    plain = lower(model, "net", hop, semantics)
    (source,) = plain.captured.inputs
    return model, plain, {source: signal}, calibrate(stream(plain.captured, hop), {source: signal}, "min-max")


@pytest.mark.parametrize(
    ("semantics", "hop", "states"),
    [
        ("continuous", 8, "int16"),
        ("continuous", 32, "int16"),
        ("windowed", 8, "int16"),
        ("windowed", 32, "int16"),
        ("continuous", 32, "int32"),
    ],
)
@pytest.mark.parametrize("name", MODELS)
def test_integers_are_the_same_on_every_target(name, semantics, hop, states, same_everywhere):
    model, plain, signal, seen = prepared(name, hop, semantics)
    lowered = lower(model, "net", hop, semantics, formats=assign(seen, {}, "int8", states))
    floats = MODELS[name][1]
    made = cells(lowered.step, f"Quantized{floats}")
    assert len(made) == len(cells(plain.step, floats)) > 0
    assert not cells(lowered.step, floats)
    # gates are floats, and sigmoid and tanh of ONNX Runtime are not ours: an h may fall to the other side
    gated = floats in GATED
    same_everywhere(lowered.offline, lowered.step, N_STEPS, atol=0.01 if gated else 1e-5)
    if not gated:
        (source,), (output,) = signal, lowered.offline.outputs
        short = {source: signal[source][..., : hop * N_STEPS]}
        values = reference.run(lowered.offline, short).tensors
        np.testing.assert_array_equal(run_steps(lowered.step, short)[output], values[output])


@pytest.mark.parametrize("name", MODELS)
def test_every_state_was_calibrated_and_is_followed(name):
    model, plain, signal, seen = prepared(name, 8)
    nodes = cells(plain.captured, MODELS[name][1])
    assert set(seen.states) == {state_name(n.outputs[0], state) for n in nodes for state in MODELS[name][2]}
    (output,) = plain.offline.outputs
    truth = reference.run(plain.offline, signal).tensors[output]
    found = []
    for states in ("float32", "int16"):
        lowered = lower(model, "net", 8, formats=assign(seen, {}, "int8", states))
        off = truth - reference.run(lowered.offline, signal).tensors[output]
        found.append(10 * np.log10(np.square(truth).mean() / np.square(off).mean()))
    assert found[0] > 15
    assert found[1] > found[0] - 3


def test_states_of_a_window_are_those_that_its_operator_leaves():
    _, plain, signal, _ = prepared("bidirectional LSTM", 8)
    (node,) = cells(plain.captured, "Lstm")
    values = reference.run(plain.captured, signal).tensors
    (y,) = (values[name] for name in node.outputs)
    seen = list(window_states(node.op, tuple(values[name] for name in node.inputs)))
    (states,) = seen
    assert (node.op.layout, set(states)) == (0, {"h", "c"})
    assert states["c"].shape == states["h"].shape == y.shape
    np.testing.assert_array_equal(states["h"][0, 0], 0)
    np.testing.assert_array_equal(states["h"][1:, 0], y[:-1, 0])
    np.testing.assert_array_equal(states["h"][:-1, 1], y[1:, 1])  # backwards


def test_a_state_of_a_window_is_carried_through_its_frames_alone():
    _, plain, signal, seen = prepared("LIF", 8)
    (node,) = cells(plain.captured, "Lif")
    values = reference.run(plain.captured, signal).tensors
    operands = tuple(values[name] for name in node.inputs)
    own = list(window_states(node.op, operands))
    windows, frames = operands[0].shape[0], operands[0].shape[2]
    assert len(own) == windows * frames
    first = list(window_states(node.op, (operands[0][:1], *operands[1:])))
    for before, alone in zip(own, first, strict=False):
        np.testing.assert_array_equal(before["mem"], alone["mem"])
    largest = max(np.abs(one["mem"]).max() for one in own)
    assert 0.9 * largest <= seen.states[state_name(node.outputs[0], "mem")].largest <= largest


def test_a_state_of_floats_keeps_the_layer_in_floats():
    model, _, _, seen = prepared("RWKV-4", 8)
    lowered = lower(model, "net", 8, formats=assign(seen, {}, "int8", "float32"))
    assert (len(cells(lowered.step, "Wkv4")), len(cells(lowered.step, "QuantizedWkv4"))) == (1, 0)
    formats = assign(seen, {}, "int8", "int16")
    (num,) = (name for name in formats if name.endswith(":num"))
    mixed = lower(model, "net", 8, formats=formats | {num: Format("float32")})
    assert len(cells(mixed.step, "Wkv4")) == 1
