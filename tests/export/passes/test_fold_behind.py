"""A map with constants behind a layer goes into its weights, where nobody else sees the result without it."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.div import Div
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.neg import Neg
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.sub import Sub
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.fold_behind import fold_behind
from edgeeeg_export.tensor import TensorType

RNG = np.random.default_rng(0)
CONSTANTS = {
    "w": RNG.standard_normal((3, 4)).astype(np.float32),
    "b": RNG.standard_normal(4).astype(np.float32),
    "row": RNG.standard_normal((1, 4)).astype(np.float32),
    "taps": RNG.standard_normal((4, 3, 5)).astype(np.float32),
    "grouped": RNG.standard_normal((6, 1, 5)).astype(np.float32),
    "column": RNG.uniform(0.5, 2, (4, 1)).astype(np.float32),
    "column6": RNG.uniform(0.5, 2, (6, 1)).astype(np.float32),
    "one": np.array([1.5], dtype=np.float32),
    "batch": RNG.standard_normal((2, 1, 1)).astype(np.float32),
    "huge": np.full((4, 1), 3e38, dtype=np.float32),
    "image": RNG.standard_normal((4, 2, 1)).astype(np.float32),
    "zero": np.zeros((4, 1), dtype=np.float32),
}


def graph_of(*nodes, outputs=("y",)):
    used = {name for node in nodes for name in node.inputs} | set(outputs)
    constants = {name: value for name, value in CONSTANTS.items() if name in used}
    return Graph("g", {"x": TensorType((1, 3, 20), 2, 1)}, outputs, nodes, constants)


def dense(*nodes, outputs=("y",)):
    first = (Node("turn", Transpose((0, 2, 1)), ("x",), ("f",)), Node("dense", Linear(), ("f", "w"), ("m",)))
    return graph_of(*first, *nodes, outputs=outputs)


def conv(*nodes, outputs=("y",)):
    return graph_of(Node("conv", Conv(pads=(4, 0)), ("x", "taps", "b"), ("m",)), *nodes, outputs=outputs)


def behind(op, *operands):
    return Node("map", op, operands, ("y",))


@pytest.mark.parametrize(
    "graph",
    [
        dense(behind(Add(), "m", "b")),
        dense(behind(Add(), "b", "m")),
        dense(behind(Add(), "m", "row")),
        dense(behind(Mul(), "m", "b")),
        dense(Node("turned", Transpose((0, 2, 1)), ("m",), ("t",)), behind(Mul(), "t", "column")),
        conv(behind(Mul(), "m", "column")),
        conv(behind(Add(), "column", "m")),
        conv(behind(Sub(), "m", "column")),
        conv(behind(Sub(), "column", "m")),
        conv(behind(Div(), "m", "column")),
        conv(behind(Mul(), "m", "one")),
        conv(behind(Neg(), "m")),
        conv(Node("s", Mul(), ("m", "column"), ("s",)), behind(Add(), "s", "column")),
        conv(Node("t", Transpose((0, 2, 1)), ("m",), ("t",)), behind(Mul(), "t", "row")),
        conv(Node("t", Reshape((1, 4, 1, -1)), ("m",), ("t",)), behind(Neg(), "t")),
        graph_of(
            Node("c", Conv((1,), (1,), 3, (4, 0)), ("x", "grouped"), ("m",)), behind(Add(), "m", "column6")
        ),
        graph_of(
            Node("c", Conv((1,), (1,), 3, (4, 0)), ("x", "grouped"), ("m",)), behind(Mul(), "m", "column6")
        ),
    ],
    ids=lambda graph: "-".join(node.op.kind for node in graph.nodes) + f"-{graph.nodes[-1].inputs}",
)
def test_the_layer_takes_it_and_the_numbers_stay(graph, same_numbers):
    result = fold_behind(graph)
    maps = (Add, Sub, Mul, Div, Neg)
    assert not any(isinstance(node.op, maps) for node in result.graph.nodes)
    assert len(result.fired) == sum(isinstance(node.op, maps) for node in graph.nodes)
    same_numbers(graph, result.graph)


def test_what_lies_between_gets_names_of_its_own():
    graph = conv(Node("t", Transpose((0, 2, 1)), ("m",), ("t",)), behind(Mul(), "t", "row"))
    after = fold_behind(graph).graph
    assert not {"m", "t"} & after.tensors.keys()
    assert after.nodes[0].outputs == ("m.folded",)


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (dense(behind(Add(), "m", "b"), outputs=("y", "m")), "an output of the model"),
        (dense(behind(Add(), "m", "b"), Node("r", Relu(), ("m",), ("z",)), outputs=("y", "z")), "2 layers"),
        (dense(behind(Add(), "m", "m")), None),
        (dense(Node("r", Relu(), ("m",), ("z",)), behind(Add(), "z", "b")), None),
        (conv(behind(Add(), "m", "batch")), None),
        (conv(behind(Div(), "column", "m")), None),
        (conv(behind(Div(), "m", "zero")), None),
        (conv(behind(Mul(), "m", "huge")), "range of float32"),
        (
            graph_of(
                Node("i", Reshape((1, 3, 1, -1)), ("x",), ("i",)),
                Node("t", Reshape((1, 1, 3, -1)), ("i",), ("t",)),
                behind(Neg(), "t"),
            ),
            None,
        ),
    ],
    ids=[
        "output",
        "shared",
        "no constant",
        "relu",
        "widens",
        "reciprocal",
        "by zero",
        "overflow",
        "no layer",
    ],
)
def test_what_must_not_be_folded(graph, reason):
    result = fold_behind(graph)
    assert result.graph.nodes == graph.nodes
    assert len(result.declined) == (reason is not None)
    assert all(reason in said for said in result.declined)


def test_a_map_that_differs_between_electrodes_does_not_go_into_taps_that_they_share():
    weights = {
        "h": RNG.standard_normal((2, 1, 1, 4)).astype(np.float32),
        "gain": RNG.uniform(0.5, 2, (3, 1)).astype(np.float32),
    }
    nodes = (
        Node("image", Reshape((1, 1, 3, -1)), ("x",), ("i",)),
        Node("conv", Conv((1, 1), (1, 1), 1, (0, 3, 0, 0)), ("i", "h"), ("m",)),
        behind(Mul(), "m", "gain"),
    )
    graph = Graph("g", {"x": TensorType((1, 3, 20), 2, 1)}, ("y",), nodes, weights)
    result = fold_behind(graph)
    assert result.graph.nodes == nodes
    assert "another axis than the channels" in result.declined[0]
