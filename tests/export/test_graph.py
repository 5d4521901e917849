"""A graph checks itself on construction, and its hash covers structure, attributes and weights."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export.errors import GraphError
from edgeeeg_export.graph import Graph, Node
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
