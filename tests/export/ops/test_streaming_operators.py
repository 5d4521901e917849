"""What the streaming pass puts around layers, each alone: its definition, and the same in every target."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.contract import by_step, stack_outputs
from edgeeeg_export.errors import GraphError
from edgeeeg_export.graph import Graph, Node, Timing
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.apart import Apart
from edgeeeg_export.ops.average_pool import AveragePool
from edgeeeg_export.ops.blocks import Blocks
from edgeeeg_export.ops.clock import SATURATED, Clock
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.cumsum import CumSum
from edgeeeg_export.ops.delay import Delay
from edgeeeg_export.ops.frame import Frame
from edgeeeg_export.ops.gate import Gate
from edgeeeg_export.ops.guarded import Guarded
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.max_pool import MaxPool
from edgeeeg_export.ops.pad import Pad
from edgeeeg_export.ops.per_window import PerWindow
from edgeeeg_export.ops.reduce_mean import ReduceMean
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.softmax import Softmax
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.ops.windows import Windows
from edgeeeg_export.targets.onnx_run import run_steps
from edgeeeg_export.tensor import TensorType

N_CHANS, N_STEPS = 2, 7


def program(hop, *nodes, timing=None, constants=None):
    """A step program of nodes as they are; the last one's result is its output."""
    made = tuple(Node(f"n{k}", op, tuple(inputs), (output,)) for k, (op, inputs, output) in enumerate(nodes))
    inputs = {"x": TensorType((1, N_CHANS, hop), 2, 1)}
    return Graph("g", inputs, made[-1].outputs, made, constants or {}, timing or Timing())


@pytest.fixture
def in_all_targets(counts, as_input, native):
    """The output over N_STEPS steps and a flush, once NumPy in chunks, C and ONNX Runtime agree; and x."""

    def run(graph):
        (name,) = graph.outputs
        samples = counts(N_STEPS * graph.inputs["x"].frames, N_CHANS)
        x = as_input(samples)
        y = reference.run_stream(graph, {"x": x}, N_STEPS)
        for chunk in (1, 3):
            np.testing.assert_array_equal(reference.run_stream(graph, {"x": x}, chunk)[name], y[name])
        rows = stack_outputs(graph, y)
        model = native(graph)
        in_c = model.push(samples)
        if graph.timing.flush:
            in_c = np.concatenate([in_c, model.flush(graph.timing.flush)])
        np.testing.assert_array_equal(in_c.view(np.uint32), rows.view(np.uint32))
        np.testing.assert_allclose(run_steps(graph, {"x": x})[name], y[name], rtol=0, atol=1e-6)
        return x, y[name]

    return run


@pytest.fixture
def in_one_step(counts, as_input, native):
    """The output of one step, once NumPy, C and ONNX Runtime agree; and x."""

    def run(graph):
        samples = counts(graph.inputs["x"].frames, N_CHANS)
        x, (name,) = as_input(samples), graph.outputs
        y = reference.run(graph, {"x": x}).tensors[name]
        type_ = graph.tensors[name]
        rows = by_step(y, type_.time_axis, type_.frames)
        np.testing.assert_array_equal(native(graph).push(samples).view(np.uint32), rows.view(np.uint32))
        np.testing.assert_allclose(run_steps(graph, {"x": x})[name], y, rtol=0, atol=1e-5)
        return x, y

    return run


@pytest.mark.parametrize("frames", [1, 3, 4, 5, 11])
@pytest.mark.parametrize("axis", [1, 2])
def test_delay(frames, axis, in_all_targets):
    turn = (Transpose((0, 1, 2) if axis == 2 else (0, 2, 1)), ("x",), "t")
    x, y = in_all_targets(program(4, turn, (Delay(frames, axis), ("t",), "y")))
    late = np.pad(x, ((0, 0), (0, 0), (frames, 0)))[:, :, : x.shape[2]]
    np.testing.assert_array_equal(y, late if axis == 2 else late.transpose(0, 2, 1))


def test_clock(in_all_targets):
    _, y = in_all_targets(program(4, (Clock(4), ("x",), "y"), timing=Timing(0, 3)))
    assert y[:, 0].tolist() == list(range(N_STEPS + 3))
    assert y[:, 1].tolist() == [0] * N_STEPS + [1, 2, 3]


def test_a_clock_stops_where_float32_counts_no_further():
    op = Clock(1)
    states = np.array([SATURATED - 1], dtype=np.float32), np.zeros(1, dtype=np.float32)
    (y,), (steps, ended) = op.run((np.zeros((1, 1, 5), dtype=np.float32),), states)
    assert y[:, 0].tolist() == [SATURATED - 1, *[SATURATED] * 4]
    assert (steps[0], ended[0]) == (SATURATED, 0)


@pytest.mark.parametrize(
    ("delay", "surplus"), [(0, 0), (0, 3), (1, 0), (1, 3), (2, -2), (3, -2), (6, -2), (6, 0), (6, 3)]
)
def test_gate(delay, surplus, in_all_targets):
    """Frame t of the stream is number t - delay; before 0 and from the recording's end on it is padding.

    What the end takes away has not come before it: the delay is no less.
    """
    ones = (Add(), ("x", "one"), "late")
    gate = (Gate(2, delay, surplus, -7.0), ("late", "now"), "y")
    nodes = (ones, (Clock(3), ("x",), "now"), gate)
    graph = program(3, *nodes, timing=Timing(0, 4), constants={"one": np.float32(5).reshape(1)})
    x, y = in_all_targets(graph)
    frames = np.arange(y.shape[2]) - delay
    inside = (frames >= 0) & (frames < x.shape[2] + surplus)
    pushed = np.pad(x, ((0, 0), (0, 0), (0, 12))) + np.float32(5)
    np.testing.assert_array_equal(y, np.where(inside, pushed, np.float32(-7)))


@pytest.mark.parametrize("steps", [1, 2, 9])
def test_guarded(steps, in_all_targets):
    guarded = Guarded(CumSum(2), steps, (2,), (2,))
    x, y = in_all_targets(program(3, (Clock(3), ("x",), "now"), (guarded, ("x", "now"), "y")))
    asleep = min(3 * steps, x.shape[2])
    assert not y[:, :, :asleep].any()
    np.testing.assert_allclose(y[:, :, asleep:], np.cumsum(x[:, :, asleep:], axis=2), atol=1e-5)
    assert (guarded.kind, guarded.core) == ("CumSum", CumSum(2))


WINDOWS = [Windows(2, 0, 5, 3), Windows(2, 0, 4, 7, 3, 2), Windows(2, 0, 20, 1), Windows(2, 0, 6, 14, 0, 0)]


def sliced(op, x):
    """Windows of x by their definition."""
    starts = range(0, x.shape[2] - op.whole + 1, op.stride)
    return np.concatenate([x[:, :, s + op.skip : s + op.skip + op.length] for s in starts])


LAYOUTS = {
    "windows": (None, lambda windows: windows),
    "apart": (Apart(0), lambda windows: windows[:, None]),
    "blocks": (Blocks(2, 0), lambda windows: np.concatenate(list(windows), axis=1)[None]),
}


@pytest.mark.parametrize("op", WINDOWS, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_windows_and_what_lays_them_out(op, layout, in_one_step):
    """All windows of 20 samples; each apart on an axis of its own; one behind the other in time."""
    behind, laid_out = LAYOUTS[layout]
    after = () if behind is None else ((behind, ("w",), "y"),)
    graph = program(20, (op, ("x",), "w" if after else "y"), *after)
    x, y = in_one_step(graph)
    np.testing.assert_array_equal(y, laid_out(sliced(op, x)))
    assert graph.tensors["y"].shape == y.shape


def test_windows_take_an_axis_that_is_free():
    with pytest.raises(GraphError, match="axis 1 is not free for its windows"):
        Windows(2, 1, 4).infer((TensorType((1, 2, 8), 2, 1),))
    with pytest.raises(GraphError, match=r"8 frames of .* are fewer than a window of 9"):
        Windows(2, 0, 9).infer((TensorType((1, 2, 8), 2, 1),))


@pytest.mark.parametrize("op", [ReduceMean((0, 2)), Softmax(2), Reshape((4, 3))], ids=lambda op: op.kind)
def test_per_window(op, in_all_targets):
    """An operator that knows of no time, on one window a step after the other."""
    window = (Windows(2, 0, 6, 6), ("x",), "w")
    x, y = in_all_targets(program(6, window, (Apart(0), ("w",), "a"), (PerWindow(op, (True,)), ("a",), "y")))
    for k, row in enumerate(y):
        (alone,), _ = op.run((np.ascontiguousarray(x[:, :, 6 * k : 6 * k + 6]),), ())
        np.testing.assert_array_equal(row, alone)


def test_per_window_with_a_constant(in_all_targets):
    weight = np.random.default_rng(0).uniform(-1, 1, (6, 3)).astype(np.float32)
    nodes = ((Windows(2, 0, 6, 6), ("x",), "w"), (Apart(0), ("w",), "a"))
    linear = (PerWindow(Linear(), (True, False)), ("a", "m"), "y")
    x, y = in_all_targets(program(6, *nodes, linear, constants={"m": weight}))
    assert y.shape == (N_STEPS, 1, N_CHANS, 3)
    np.testing.assert_allclose(y[2, 0], x[0, :, 12:18] @ weight, atol=1e-5)
    types = (TensorType((5, 1, N_CHANS, 6), 0, 6), TensorType((6, 3)))
    assert PerWindow(Linear(), (True, False)).macs(types) == 5 * Linear().macs(
        (TensorType((1, 2, 6)), types[1])
    )


@pytest.mark.parametrize(
    ("op", "uncut"),
    [
        (Conv(pads=(-2, -3)), Conv()),
        (Conv(strides=(2,), pads=(-1, 2)), Conv(strides=(2,), pads=(0, 2))),
        (MaxPool((3,), (1,), (1,), (-4, 1)), MaxPool((3,), (1,), (1,), (0, 1))),
        (
            AveragePool((3,), (2,), (1,), (1, -2), False, True),
            AveragePool((3,), (2,), (1,), (1, 0), False, True),
        ),
        (Pad(((0, 0), (0, 0), (-3, 2)), "constant", 0.5), Pad(((0, 0), (0, 0), (0, 2)), "constant", 0.5)),
        (Frame(2, 4, 3, -2, 5), Frame(2, 4, 3)),
        (Frame(2, 4, 3, 5, 4), Frame(2, 4, 3, 5)),
    ],
    ids=str,
)
def test_negative_padding_leaves_frames_out(op, uncut, in_one_step):
    """A step of 16 frames, of which a layer reads those that its cache keeps for it."""
    weight = np.random.default_rng(0).uniform(-1, 1, (2, N_CHANS, 3)).astype(np.float32)
    operands, constants = (("x", "w"), {"w": weight}) if isinstance(op, Conv) else (("x",), {})
    graph = program(16, (op, operands, "y"), constants=constants)
    if isinstance(op, Frame):
        before, after = max(-op.pad, 0), op.rest
    else:
        pads = op.pads[2] if isinstance(op, Pad) else op.pads
        before, after = (max(-pad, 0) for pad in pads)
    x, y = in_one_step(graph)
    kept = np.ascontiguousarray(x[:, :, before : 16 - after])
    (expected,), _ = uncut.run((kept, *constants.values()), ())
    np.testing.assert_array_equal(y, expected)
