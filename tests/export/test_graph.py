"""A graph checks itself on construction, and its hash covers structure, attributes and weights."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export.errors import GraphError
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.tanh import Tanh
from edgeeeg_export.tensor import TensorType

X = {"x": TensorType((1, 1, 8), 2, 1)}
W = {"w": np.ones((1, 1, 2), dtype=np.float32)}


def graph(*nodes, outputs=("y",), constants=None):
    return Graph("g", X, outputs, nodes, constants or {})


@pytest.mark.parametrize(
    ("nodes", "outputs", "fragment"),
    [
        ((Node("r", Relu(), ("z",), ("y",)),), ("y",), "reads tensor 'z'"),
        ((Node("r", Relu(), ("x",), ("y",)),), ("z",), "the graph's outputs reads tensor 'z'"),
        ((Node("r", Relu(), ("x",), ("x",)),), ("x",), "defines tensor 'x' a second time"),
        ((Node("r", Relu(), ("x",), ("a",)), Node("r", Relu(), ("a",), ("y",))), ("y",), "bear one name"),
    ],
)
def test_what_does_not_fit_together(nodes, outputs, fragment):
    with pytest.raises(GraphError, match=fragment):
        graph(*nodes, outputs=outputs)


def test_an_error_of_shapes_names_the_module_path():
    weight = {"w": np.ones((1, 5, 2), dtype=np.float32)}
    with pytest.raises(GraphError, match=r"layer 'a\.b' \(Conv\)"):
        graph(Node("c", Conv(), ("x", "w"), ("y",), "a.b"), constants=weight)


def test_the_hash_is_of_structure_attributes_and_weights():
    def convolution(**changes):
        weight = changes.pop("weight", W["w"])
        return graph(Node("c", Conv(**changes), ("x", "w"), ("y",)), constants={"w": weight}).hash

    original = convolution()
    assert convolution() == original
    assert convolution(strides=(2,)) != original
    assert convolution(weight=np.nextafter(W["w"], np.float32(2))) != original
    assert graph(Node("a", Relu(), ("x",), ("y",))).hash != graph(Node("a", Tanh(), ("x",), ("y",))).hash


def test_it_cannot_be_changed():
    fixed = graph(Node("a", Relu(), ("x",), ("y",)))
    with pytest.raises(TypeError):
        fixed.tensors["z"] = fixed.tensors["y"]


def chain():
    x = {"x": TensorType((1, 4, 8), 2, 1)}
    nodes = (
        Node("a", Relu(), ("x",), ("p",)),
        Node("b", Add(), ("p", "k"), ("q",)),
        Node("c", Relu(), ("q",), ("y",)),
    )
    return Graph("g", x, ("y",), nodes, {"k": np.ones((4, 1), dtype=np.float32)})


@pytest.mark.parametrize("wider", [False, True])
def test_replacing_a_node_gives_the_graph_that_is_built_anew(wider):
    """Whether what is read of the new node has the old type, or all that follows has to be inferred again."""
    graph = chain()
    shape = (4, 1) if not wider else (3, 4, 1)
    constants = {"m": np.full(shape, 2.0, dtype=np.float32)}
    into = (Node("b2", Add(), ("p", "m"), ("q",)),)
    made = graph.replacing(graph.nodes[1:2], into, constants)
    anew = Graph("g", graph.inputs, ("y",), (graph.nodes[0], *into, graph.nodes[2]), constants)
    for attribute in ("nodes", "tensors", "states", "readers", "makers"):
        assert getattr(made, attribute) == getattr(anew, attribute), attribute
    assert made.constants.keys() == {"m"}
    assert made.hash == anew.hash


def test_replacing_must_leave_what_others_read():
    graph = chain()
    with pytest.raises(GraphError, match="reads tensor 'q', which nothing before it produces"):
        graph.replacing(graph.nodes[1:2], (Node("b", Relu(), ("p",), ("other",)),), {})
