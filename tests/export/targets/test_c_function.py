"""A graph without a time axis: one C function of any number of inputs, equal to NumPy to the last bit."""

from __future__ import annotations

import shutil
import subprocess
from importlib.resources import files

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.errors import GraphError
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.floor import Floor
from edgeeeg_export.ops.gelu import Gelu
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.pow import Pow
from edgeeeg_export.ops.reduce_l2 import ReduceL2
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.rms_norm import RmsNormalize
from edgeeeg_export.ops.softmax import LogSoftmax
from edgeeeg_export.ops.sqrt import Sqrt
from edgeeeg_export.ops.standardize import Standardize
from edgeeeg_export.ops.tanh import Tanh
from edgeeeg_export.targets.c_function import emit_function
from edgeeeg_export.targets.native_function import NativeFunctions
from edgeeeg_export.tensor import TensorType
from edgeeeg_export.toolchain import compile_object


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


CORTEX_M4F = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")


@pytest.mark.parametrize(("prefix", "flags"), [("", ()), ("arm-none-eabi-", CORTEX_M4F)])
def test_roots_logarithms_and_rounding_call_no_library(tmp_path, prefix, flags):
    if not shutil.which(f"{prefix}gcc"):
        pytest.skip(f"no {prefix}gcc")
    operators = (Sqrt(), Floor(), Gelu(), ReduceL2((1,)), LogSoftmax(1), Standardize(1), RmsNormalize(1))
    type_ = TensorType((3, 8))
    nodes = [Node(f"n{k}", op, ("x",), (f"y{k}",)) for k, op in enumerate(operators)]
    nodes.append(Node("power", Pow(), ("x", "x"), ("p",)))
    outputs = tuple(name for node in nodes for name in node.outputs)
    program = emit_function(Graph("calls_nothing", {"x": type_}, outputs, tuple(nodes), {}))
    for name, text in program.files.items():
        (tmp_path / name).write_text(text)
    runtime = str(files("edgeeeg_export").joinpath("runtime"))
    built = compile_object(
        tmp_path / "calls_nothing.c", tmp_path / "a.o", f"{prefix}gcc", (*flags, "-I", runtime)
    )
    undefined = subprocess.run([f"{prefix}nm", "-u", str(built)], capture_output=True, text=True, check=True)
    assert undefined.stdout == ""
