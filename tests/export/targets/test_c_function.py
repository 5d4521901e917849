"""A graph without a time axis: one C function of any number of inputs, equal to NumPy to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.errors import GraphError
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.tanh import Tanh
from edgeeeg_export.targets.c_function import emit_function
from edgeeeg_export.targets.native_function import NativeFunctions
from edgeeeg_export.tensor import TensorType


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def mixed():
    """Inputs of rank 0, 1 and 4, one of them idle; outputs: a result, a constant, an input, a view of one."""
    return Graph(
        "mixed",
        {
            "int": TensorType(()),
            "2nd": TensorType((3,)),
            "x": TensorType((2, 1, 4, 3)),
            "idle": TensorType((5,)),
        },
        ("y", "w", "2nd", "flat"),
        (
            Node("scale", Mul(), ("x", "int"), ("scaled",)),
            Node("add", Add(), ("scaled", "2nd"), ("sum",)),
            Node("tanh", Tanh(), ("sum",), ("y",)),
            Node("flatten", Reshape((24,)), ("x",), ("flat",)),
        ),
        {"w": draw(2, 2)},
    )


def test_any_number_of_inputs_of_any_rank(tmp_path):
    graph = mixed()
    inputs = {name: draw(*type_.shape, seed=i) for i, (name, type_) in enumerate(graph.inputs.items())}
    truth = reference.run(graph, inputs).tensors
    outputs = NativeFunctions([emit_function(graph)], tmp_path).run("mixed", inputs)
    for name in graph.outputs:
        assert outputs[name].shape == truth[name].shape == graph.tensors[name].shape
        np.testing.assert_array_equal(outputs[name].view(np.uint32), truth[name].view(np.uint32))


def test_many_programs_share_a_library(tmp_path):
    type_ = TensorType((4,))
    graphs = [
        Graph(f"program_{op.kind.lower()}", {"x": type_}, ("y",), (Node("n", op, ("x", "x"), ("y",)),), {})
        for op in (Add(), Mul())
    ]
    functions = NativeFunctions([emit_function(graph) for graph in graphs], tmp_path)
    x = draw(4)
    np.testing.assert_array_equal(functions.run("program_add", {"x": x})["y"], x + x)
    np.testing.assert_array_equal(functions.run("program_mul", {"x": x})["y"], x * x)


def test_another_shape_than_the_programs_is_refused(tmp_path):
    functions = NativeFunctions([emit_function(mixed())], tmp_path)
    wrong = {"int": draw(), "2nd": draw(4), "x": draw(2, 1, 4, 3), "idle": draw(5)}
    with pytest.raises(ValueError, match="'2nd' is \\(4,\\)"):
        functions.run("mixed", wrong)


def test_a_streaming_input_is_refused():
    graph = Graph("g", {"x": TensorType((1, 2, 4), 2, 1)}, ("x",), (), {})
    with pytest.raises(GraphError, match=r"'x' .* has a time axis"):
        emit_function(graph)
