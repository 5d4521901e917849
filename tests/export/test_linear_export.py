"""Lowering and code generation take a number of Python calls that is proportional to the layers."""

from __future__ import annotations

import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgeeeg_export import reference
from edgeeeg_export.lowering import lower
from edgeeeg_export.targets import c, onnx_step

N_CHANS, N_TIMES = 4, 2048


def padded_conv(k, x, weight):
    """A stream: caches, gates and delays."""
    return ([helper.make_node("Conv", [x, weight(4, 4, 3), weight(4)], [f"c{k}"], pads=[1, 1])], f"c{k}")


def conv_and_norm(k, x, weight):
    """A rewrite at every layer: the norm is folded into the convolution."""
    norm = [f"c{k}", weight(4), weight(4), weight(4), weight(4)]
    nodes = [
        helper.make_node("Conv", [x, weight(4, 4, 3)], [f"c{k}"]),
        helper.make_node("BatchNormalization", norm, [f"n{k}"]),
    ]
    return nodes, f"n{k}"


def dense(k, x, weight):
    """Two rewrites at every layer: a matrix between transpositions becomes a convolution, and they go."""
    nodes = [
        helper.make_node("Transpose", [x], [f"t{k}"], perm=[0, 2, 1]),
        helper.make_node("MatMul", [f"t{k}", weight(4, 4)], [f"m{k}"]),
        helper.make_node("Add", [f"m{k}", weight(4)], [f"a{k}"]),
        helper.make_node("Transpose", [f"a{k}"], [f"d{k}"], perm=[0, 2, 1]),
    ]
    return nodes, f"d{k}"


def residual(k, x, weight):
    """A branch at every layer, which meets its sum behind a delay."""
    nodes, y = padded_conv(k, x, weight)
    return [*nodes, helper.make_node("Add", [x, y], [f"s{k}"])], f"s{k}"


def deep(layer, depth):
    """So many layers, with a ReLU behind each."""
    rng = np.random.default_rng(0)
    weights, nodes, x = {}, [], "x"

    def weight(*shape):
        name = f"w{len(weights)}"
        weights[name] = rng.uniform(0.1, 0.5, shape).astype(np.float32)
        return name

    for k in range(depth):
        made, y = layer(k, x, weight)
        nodes += [*made, helper.make_node("Relu", [y], [f"r{k}"])]
        x = f"r{k}"
    graph = helper.make_graph(
        nodes,
        "deep",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, N_CHANS, N_TIMES])],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def calls(model: onnx.ModelProto) -> int:
    """Calls of functions, Python's and C's, from the ONNX model to the step program in C and ONNX."""
    count = 0

    def on_event(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(on_event)
    try:
        step = lower(model, "deep").step
        c.emit(step, 1.0)
        onnx_step.emit(step)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("layer", [padded_conv, conv_and_norm, dense, residual])
def test_twice_the_layers_take_twice_the_calls(layer):
    counts = [calls(deep(layer, depth)) for depth in (50, 100, 200)]
    assert counts[1] <= 2.2 * counts[0]
    assert counts[2] <= 2.2 * counts[1]


def test_the_ends_of_a_long_recording_go_step_by_step_and_its_middle_at_once(monkeypatch):
    step = lower(deep(padded_conv, 3), "deep").step
    samples = {"x": np.random.default_rng(0).normal(size=(1, N_CHANS, 101)).astype(np.float32)}
    lengths, run = [], reference.run

    def counted(graph, inputs, states=None):
        lengths.append(inputs["x"].shape[2])
        return run(graph, inputs, states)

    monkeypatch.setattr(reference, "run", counted)
    (whole,) = reference.run_stream(step, samples, 101).values()
    lengths.clear()
    (ends,) = reference.run_stream(step, samples, 1, 10).values()
    assert lengths == [*[1] * 5, 91, *[1] * 5, step.timing.flush]
    assert np.array_equal(whole, ends)
    lengths.clear()
    reference.run_stream(step, samples, 3, 1000)
    assert lengths == [*[3] * 33, 2, step.timing.flush]
