"""LSTM, GRU and RNN with matrices of int8: an independent sum, C in every bit, ONNX Runtime, and chunks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeeeg import floatmath
from edgeeeg_export import quantmath, reference
from edgeeeg_export.errors import GraphError
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.dequantize_linear import DequantizeLinear
from edgeeeg_export.ops.gru import Gru
from edgeeeg_export.ops.lstm import Lstm
from edgeeeg_export.ops.quantize_linear import QuantizeLinear
from edgeeeg_export.ops.quantized_gru import QuantizedGru
from edgeeeg_export.ops.quantized_lstm import QuantizedLstm
from edgeeeg_export.ops.quantized_rnn import QuantizedRnn
from edgeeeg_export.ops.rnn import Rnn
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets.c_function import emit_function
from edgeeeg_export.targets.native_function import NativeFunctions
from edgeeeg_export.tensor import TensorType

WIDTH, HIDDEN, STEPS, BATCH = 3, 5, 21, 2
X_SCALE, H_SCALE = 2.0**-6, 2.0**-7
CELLS = {
    "lstm": (QuantizedLstm, Lstm, {}),
    "gru": (QuantizedGru, Gru, {"linear_before_reset": True}),
    "gru, reset first": (QuantizedGru, Gru, {"linear_before_reset": False}),
    "rnn": (QuantizedRnn, Rnn, {}),
}


def parameters(cell, directions=1, seed=0):
    """Matrices of integers with what their rows are worth, and the same matrices in floats."""
    rng, kind = np.random.default_rng(seed), CELLS[cell][0]
    rows = kind.gates * HIDDEN
    w, r = (rng.integers(-127, 128, (directions, rows, k)).astype(np.int8) for k in (WIDTH, HIDDEN))
    of_w, of_r = (rng.uniform(0.002, 0.009, (directions, rows)).astype(np.float32) for _ in range(2))
    bias = rng.uniform(-0.5, 0.5, (directions, kind.biases * HIDDEN)).astype(np.float32)
    whole = {
        "w": w,
        "r": r,
        "b": bias,
        "mx": of_w * np.float32(X_SCALE),
        "mh": of_r * np.float32(H_SCALE),
    }
    return whole, {"w": w * of_w[..., None], "r": r * of_r[..., None], "b": bias}


def offline(cell, constants, direction="forward", layout=0, initial=()):
    kind, _, attributes = CELLS[cell]
    op = kind(direction=direction, layout=layout, initial=initial, h_scale=H_SCALE, **attributes)
    shape = (STEPS, BATCH, WIDTH) if layout == 0 else (BATCH, STEPS, WIDTH)
    nodes = (
        Node("door", QuantizeLinear(X_SCALE), ("x",), ("q",)),
        Node("cell", op, ("q", *constants), ("y",)),
    )
    return Graph("hybrid", {"x": TensorType(shape)}, ("y",), nodes, constants)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_a_result_in_integers_is_what_the_matrix_sees(cell, direction, tmp_path):
    constants, _ = parameters(cell, 2 if direction == "bidirectional" else 1)
    graph = offline(cell, constants, direction)
    x = draw(*graph.inputs["x"].shape)
    door, node = graph.nodes
    rounded = replace(node, op=replace(node.op, in_integers=True), outputs=("whole",))
    out = Node("out", DequantizeLinear(H_SCALE), ("whole",), ("y",))
    integers = Graph("hybrid", graph.inputs, ("y",), (door, rounded, out), constants)
    h, seen = reference.run(graph, {"x": x}).tensors["y"], reference.run(integers, {"x": x}).tensors
    np.testing.assert_array_equal(seen["whole"], quantmath.quantize(h, np.float32(H_SCALE)))
    compiled = NativeFunctions([emit_function(integers)], tmp_path).run("hybrid", {"x": x})["y"]
    np.testing.assert_array_equal(compiled, seen["y"])


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_integers_of_16_bits_in_and_carried(cell, direction, tmp_path):
    """x, h beside its matrix and the memories in int16; in chunks too, since what is carried is rounded."""
    constants, _ = parameters(cell, 2 if direction == "bidirectional" else 1)
    kind = CELLS[cell][0]
    scales = (2.0**-14, 2.0**-12)[: len(kind.memories)]
    wide = {"width": "int16", "in_integers": True, "state_scales": scales}
    graph = offline(cell, {**constants, "mh": constants["mh"] / 128}, direction)
    _, node = graph.nodes
    nodes = (
        Node("door", QuantizeLinear(X_SCALE / 256, "int16"), ("x",), ("q",)),
        replace(node, op=replace(node.op, **wide, h_scale=H_SCALE / 128), outputs=("whole",)),
        Node("out", DequantizeLinear(H_SCALE / 128), ("whole",), ("y",)),
    )
    small = {**graph.constants, "mx": graph.constants["mx"] / 256}
    integers = Graph("wide", graph.inputs, ("y",), nodes, small)
    x = draw(*graph.inputs["x"].shape)
    h = reference.run(integers, {"x": x}).tensors["y"]
    compiled = NativeFunctions([emit_function(integers)], tmp_path).run("wide", {"x": x})["y"]
    np.testing.assert_array_equal(compiled.view(np.uint32), h.view(np.uint32))
    steps = h.astype(np.float64) * 2**14
    np.testing.assert_array_equal(steps, np.rint(steps))  # h is carried, and comes out, in whole steps
    assert len(np.unique(h)) > 100


@pytest.mark.parametrize("cell", CELLS)
def test_memories_of_integers_stream(cell, same_everywhere):
    constants, _ = parameters(cell)
    kind, _, attributes = CELLS[cell]
    scales = (2.0**-14, 2.0**-12)[: len(kind.memories)]
    op = kind(layout=1, h_scale=H_SCALE, in_integers=True, state_scales=scales, **attributes)
    nodes = (
        Node("turn", Transpose((0, 2, 1)), ("eeg",), ("x",)),
        Node("door", QuantizeLinear(X_SCALE), ("x",), ("q",)),
        Node("cell", op, ("q", *constants), ("whole",)),
        Node("out", DequantizeLinear(H_SCALE), ("whole",), ("y",)),
    )
    graph = Graph("memories", {"eeg": TensorType((1, WIDTH, 2), 2, 1)}, ("y",), nodes, constants)
    step = stream(graph, 2)
    assert [state.dtype for state in step.states["cell"]] == ["int16"] * len(scales)
    same_everywhere(graph, step, 60, atol=2.1 * H_SCALE)


def draw(*shape, seed=1):
    return np.random.default_rng(seed).uniform(-1.9, 1.9, shape).astype(np.float32)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("layout", [0, 1])
def test_c_has_numpys_bits(cell, direction, layout, tmp_path):
    directions = 2 if direction == "bidirectional" else 1
    constants, _ = parameters(cell, directions)
    memories = len(CELLS[cell][0].memories)
    initial = tuple(
        tuple(float(v) for v in draw(directions * BATCH * HIDDEN, seed=k)) for k in range(memories)
    )
    graph = offline(cell, constants, direction, layout, initial)
    x = draw(*graph.inputs["x"].shape)
    truth = reference.run(graph, {"x": x}).tensors["y"]
    compiled = NativeFunctions([emit_function(graph)], tmp_path).run("hybrid", {"x": x})["y"]
    np.testing.assert_array_equal(compiled.view(np.uint32), truth.view(np.uint32))


def test_a_step_is_the_sum_it_says_it_is():
    constants, _ = parameters("rnn")
    graph = offline("rnn", constants)
    x = draw(STEPS, BATCH, WIDTH)
    y = reference.run(graph, {"x": x}).tensors["y"]
    q, h = quantmath.quantize(x, np.float32(X_SCALE)), np.zeros((BATCH, HIDDEN), np.float32)
    for t in range(STEPS):
        whole = np.clip(np.rint(h / np.float32(H_SCALE)), -128, 127).astype(np.int64)
        sums = np.broadcast_to(constants["b"][0], h.shape)
        for values, matrix, multiplier in ((q[t], "w", "mx"), (whole, "r", "mh")):
            exact = np.einsum("bk,rk->br", values.astype(np.int64), constants[matrix][0].astype(np.int64))
            sums = sums + exact.astype(np.float32) * constants[multiplier][0]
        h = floatmath.tanh(sums)
        np.testing.assert_array_equal(y[t, 0], h)


@pytest.mark.parametrize("cell", CELLS)
def test_it_differs_from_floats_by_what_h_is_rounded_to(cell):
    constants, floats = parameters(cell)
    x = draw(STEPS, BATCH, WIDTH)
    x = quantmath.dequantize(quantmath.quantize(x, np.float32(X_SCALE)), np.float32(X_SCALE))
    y = reference.run(offline(cell, constants), {"x": x}).tensors["y"]
    _, kind, attributes = CELLS[cell]
    node = Node("cell", kind(**attributes), ("x", *floats), ("y",))
    graph = Graph("floats", {"x": TensorType(x.shape)}, ("y",), (node,), floats)
    difference = np.abs(reference.run(graph, {"x": x}).tensors["y"] - y).max()
    assert 0 < difference < 4 * H_SCALE


@pytest.mark.parametrize("cell", CELLS)
def test_chunks_c_and_onnxruntime_carry_the_same_floats(cell, same_everywhere):
    constants, _ = parameters(cell)
    kind, _, attributes = CELLS[cell]
    nodes = (
        Node("door", QuantizeLinear(X_SCALE), ("x",), ("q",)),
        Node("turn", Transpose((2, 0, 1)), ("q",), ("frames",)),
        Node("cell", kind(h_scale=H_SCALE, **attributes), ("frames", *constants), ("y",)),
    )
    graph = Graph("hybrid", {"x": TensorType((1, WIDTH, STEPS), 2, 1)}, ("y",), nodes, constants)
    step = stream(graph, 3)
    # the only stateful layer: its memories, in floats
    assert {(s.dtype, s.shape) for s in step.all_states()} == {("float32", (1, HIDDEN))}
    same_everywhere(graph, step, 30)


def test_floats_and_multipliers_of_other_rows_are_refused():
    constants, floats = parameters("gru")
    with pytest.raises(GraphError, match="its constants are"):
        offline("gru", constants | {"w": floats["w"]})
    with pytest.raises(
        GraphError, match=r"its multipliers are \(1, 4\) and \(1, 15\); one per row is \(1, 15\)"
    ):
        offline("gru", constants | {"mx": constants["mx"][:, :4]})
