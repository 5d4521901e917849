"""Networks of the field import unchanged, stream in both semantics, and are the original on its window."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from zoo import KERAS, N_CHANS, TORCH, seeded

from edgeeeg_export import reference
from edgeeeg_export.capture import to_onnx, trace
from edgeeeg_export.contract import by_step
from edgeeeg_export.lowering import lower

# what torch says of layers as the authors of TCN use them
pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning", "ignore:dropout2d:UserWarning")
NAMES = (*TORCH, *KERAS)
N_WINDOWS = 4


@pytest.fixture(scope="module")
def captured():
    """ONNX model and original of a network, traced once."""
    torch.set_num_threads(1)
    known = {}

    def capture(name):
        if name not in known:
            known[name] = _of_torch(name) if name in TORCH else _of_onnx(name)
        return known[name]

    return capture


def _of_torch(name):
    model, n_times = seeded(name), TORCH[name][1]

    def original(x):
        with torch.no_grad():
            return model(torch.from_numpy(x)).numpy()

    return to_onnx(trace(model, N_CHANS, n_times)).model, original


def _of_onnx(name):
    model = KERAS[name][0]()
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return model, lambda x: session.run(None, {"eeg": x})[0]


@pytest.mark.parametrize("semantics", ["continuous", "windowed"])
@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_original_on_its_window(name, semantics, captured, counts, as_input, same_everywhere):
    """Continuous: a recording that is one window is the original on it, from its first to its last frame.

    Windowed: so is every window of a longer one.
    """
    model, original = captured(name)
    _, window, hop = (TORCH | KERAS)[name]
    lowered = lower(model, "net", hop, semantics)
    (output,) = lowered.step.outputs
    n_steps = window // hop + N_WINDOWS - 1
    x = as_input(counts(n_steps * hop, N_CHANS))
    same_everywhere(lowered.offline, lowered.step, n_steps, atol=1e-4)
    single = reference.run_stream(lowered.step, {"eeg": x[..., :window]}, 1)[output]
    np.testing.assert_allclose(single.ravel(), original(x[..., :window]).ravel(), rtol=0, atol=1e-4)
    if semantics == "windowed":
        assert lowered.window == window
        windows = reference.run(lowered.offline, {"eeg": x}).tensors[output]
        rows = by_step(windows, lowered.step.tensors[output].time_axis, 1)
        assert len(rows) == N_WINDOWS
        for k, row in enumerate(rows):
            expected = original(np.ascontiguousarray(x[..., k * hop : k * hop + window])).ravel()
            np.testing.assert_allclose(row, expected, rtol=0, atol=1e-4)


def macs(graph):
    return sum(node.op.macs(graph.types(node.inputs)) for node in graph.nodes)


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_costs_less_than_windows_anew(name, captured):
    model, _ = captured(name)
    _, _, hop = (TORCH | KERAS)[name]
    continuous, windowed = (lower(model, "net", hop, semantics) for semantics in ("continuous", "windowed"))
    assert 0 < macs(continuous.step) < 0.7 * macs(windowed.captured)
    assert 0 < macs(windowed.step) <= macs(windowed.captured)
