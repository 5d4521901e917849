"""Programs that look ahead, in C: warm-up, flush, and a state saved in the middle of either."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg.errors import BundleError
from edgeeeg_export import reference
from edgeeeg_export.contract import stack_outputs
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.cumsum import CumSum
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets import c
from edgeeeg_export.tensor import TensorType

HOP, N_STEPS = 2, 10


@pytest.fixture(scope="module")
def graph():
    """Eleven frames of look-ahead in three layers, one with a state."""
    rng = np.random.default_rng(0)
    weights = {f"w{k}": rng.uniform(-1, 1, (2, 2, k)).astype(np.float32) for k in (7, 9)}
    weights |= {"b": rng.uniform(0.1, 1, 2).astype(np.float32)}
    nodes = (
        Node("front", Conv(pads=(3, 3)), ("x", "w7", "b"), ("c",)),
        Node("sum", CumSum(2), ("c",), ("s",)),
        Node("rear", Conv(pads=(4, 4), dilations=(1,)), ("s", "w9", "b"), ("y",)),
    )
    return Graph("g", {"x": TensorType((1, 2, 20), 2, 1)}, ("y",), nodes, weights)


@pytest.fixture(scope="module")
def step(graph):
    return stream(graph, HOP)


@pytest.fixture
def samples(counts):
    return counts(HOP * N_STEPS, 2)


@pytest.fixture
def truth(graph, step, samples, as_input):
    return stack_outputs(step, reference.run(graph, {"x": as_input(samples)}).tensors)


def same_bits(ours, truth):
    assert ours.shape == truth.shape
    np.testing.assert_array_equal(ours.view(np.uint32), truth.view(np.uint32))


def test_outputs_begin_late_and_are_flushed(step, samples, truth, native):
    delay, flush = step.timing.delay, step.timing.flush
    assert delay == flush == 4  # eight frames, in steps of two: three before the sum, rounded up, and four
    model = native(step)
    assert model.push(samples[: HOP * delay]).size == 0
    early = model.push(samples[HOP * delay :])
    assert len(early) == N_STEPS - delay
    rows = [early]
    for _ in range(flush):
        rows.append(model.flush(1))
        assert len(rows[-1]) == 1
    assert model.flush(1).size == 0
    same_bits(np.concatenate(rows), truth)


@pytest.mark.parametrize("pushed", [0, 1, 3, 5, 8, 9, 19])
def test_a_state_saved_at_any_sample_goes_on(step, samples, truth, native, pushed):
    """In the warm-up, between steps and after it: another recording in between leaves no trace."""
    model = native(step)
    first = model.push(samples[:pushed])
    saved = model.save()
    model.push(samples[::-1])
    model.flush(9)
    model.restore(saved)
    assert model.save() == saved
    same_bits(np.concatenate([first, model.push(samples[pushed:]), model.flush(9)]), truth)


@pytest.mark.parametrize("flushed", [1, 2, 3, 4])
def test_a_state_saved_in_the_middle_of_a_flush_goes_on(step, samples, truth, native, flushed):
    model = native(step)
    rows = [model.push(samples), model.flush(flushed)]
    saved = model.save()
    model.flush(9)
    model.reset()
    model.push(samples[:7])
    model.restore(saved)
    rows.append(model.flush(9))
    same_bits(np.concatenate(rows), truth)
    with pytest.raises(BundleError, match="error -4"):
        model.push(samples[:1])


def test_after_a_flush_only_init_begins_another_recording(step, samples, truth, native):
    model = native(step)
    model.push(samples[:9])
    assert len(model.flush(9)) == 4
    for _ in range(2):
        with pytest.raises(BundleError, match="error -4"):
            model.push(samples[:1])
        assert model.flush(9).size == 0
    model.reset()
    same_bits(np.concatenate([model.push(samples), model.flush(9)]), truth)


def test_a_flush_leaves_out_what_fills_no_step(step, samples, truth, native, graph, as_input):
    model = native(step)
    rows = [model.push(samples[:13]), model.flush(9)]
    expected = stack_outputs(step, reference.run(graph, {"x": as_input(samples[:12])}).tensors)
    same_bits(np.concatenate(rows), expected)


def test_only_programs_that_look_ahead_have_a_flush_and_its_counters(step, graph):
    header = c.emit(step, 1.0).files["g.h"]
    assert "int g_flush(g_t *model, g_outputs_t *outputs);" in header
    assert "G_ERROR_ENDED = -4" in header
    assert "uint32_t early;" in header
    causal = Graph(
        "g",
        graph.inputs,
        ("y",),
        (Node("front", Conv(pads=(6, 0)), ("x", "w7"), ("y",)),),
        {"w7": graph.constants["w7"]},
    )
    header = c.emit(stream(causal), 1.0).files["g.h"]
    assert not any(word in header for word in ("_flush", "ERROR_ENDED", "early", "flushed"))
