"""A constant added to a dense layer becomes its bias, where nobody else sees the sum without it."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes import simplify
from edgeeeg_export.passes.fuse_bias import fuse_bias
from edgeeeg_export.tensor import TensorType

RNG = np.random.default_rng(0)
CONSTANTS = {
    "w": RNG.standard_normal((3, 4)).astype(np.float32),
    "b": RNG.standard_normal(4).astype(np.float32),
    "row": RNG.standard_normal((1, 4)).astype(np.float32),
}


def dense(*nodes, outputs=("y",)):
    first = (Node("turn", Transpose((0, 2, 1)), ("x",), ("f",)), Node("dense", Linear(), ("f", "w"), ("m",)))
    return Graph("g", {"x": TensorType((1, 3, 8), 2, 1)}, outputs, (*first, *nodes), CONSTANTS)


@pytest.mark.parametrize("operands", [("m", "b"), ("b", "m")])
def test_both_orders_are_fused_and_the_values_stay(operands):
    graph = dense(Node("add", Add(), operands, ("y",)))
    fused = fuse_bias(graph)
    assert [node.op.kind for node in fused.nodes] == ["Transpose", "Linear"]
    assert fused.nodes[-1].inputs == ("f", "w", "b")
    x = {"x": RNG.standard_normal((1, 3, 8)).astype(np.float32)}
    expected = reference.run(graph, x).tensors["y"]
    np.testing.assert_allclose(reference.run(fused, x).tensors["y"], expected, atol=1e-6)


@pytest.mark.parametrize(
    "graph",
    [
        dense(Node("add", Add(), ("m", "b"), ("y",)), outputs=("y", "m")),
        dense(Node("add", Add(), ("m", "b"), ("y",)), Node("r", Relu(), ("m",), ("z",)), outputs=("y", "z")),
        dense(Node("add", Add(), ("m", "row"), ("y",))),
        dense(Node("add", Add(), ("m", "m"), ("y",))),
        dense(Node("r", Relu(), ("m",), ("z",)), Node("add", Add(), ("z", "b"), ("y",))),
    ],
    ids=["an output", "read twice", "not a vector", "no constant", "not a dense layer's"],
)
def test_what_must_not_be_fused(graph):
    assert fuse_bias(graph).nodes == graph.nodes


def test_simplify_drops_what_no_output_needs():
    graph = dense(
        Node("unused", Relu(), ("m",), ("z",)),
        Node("unused_too", Relu(), ("z",), ("zz",)),
        Node("add", Add(), ("m", "b"), ("y",)),
    )
    simple = simplify(graph)
    assert [node.name for node in simple.nodes] == ["turn", "dense"]
    assert set(simple.constants) == {"w", "b"}
