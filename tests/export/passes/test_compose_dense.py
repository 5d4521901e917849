"""Two dense layers become one unless the first is a bottleneck."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.passes.compose_dense import compose_dense
from edgeeeg_export.tensor import TensorType


def pair(widths, biases=("b1", "b2"), outputs=("y",), between=(), read="m", time_axis=1):
    rng = np.random.default_rng(0)
    values = {
        "w1": rng.uniform(-1, 1, widths[:2]),
        "w2": rng.uniform(-1, 1, widths[1:]),
        "b1": rng.uniform(-1, 1, widths[1]),
        "b2": rng.uniform(-1, 1, widths[2]),
    }
    one, two = (tuple(name for name in biases if name == wanted) for wanted in ("b1", "b2"))
    nodes = (
        Node("first", Linear(), ("x", "w1", *one), ("m",)),
        *between,
        Node("second", Linear(), (read, "w2", *two), ("y",)),
    )
    used = {name for node in nodes for name in node.inputs}
    constants = {name: value.astype(np.float32) for name, value in values.items() if name in used}
    x = TensorType((1, 7, widths[0]), time_axis, 0 if time_axis is None else 1)
    return Graph("g", {"x": x}, outputs, nodes, constants)


@pytest.mark.parametrize("time_axis", [1, None])
@pytest.mark.parametrize("biases", [(), ("b1",), ("b2",), ("b1", "b2")])
def test_one_takes_the_place_of_two_and_the_numbers_stay(biases, time_axis, same_numbers):
    graph = pair((4, 9, 3), biases, time_axis=time_axis)
    result = compose_dense(graph)
    assert [node.name for node in result.graph.nodes] == ["second"]
    assert "takes 84 multiply-accumulates, the two 441" in result.fired[0]
    same_numbers(graph, result.graph)


RELU = (Node("relu", Relu(), ("m",), ("r",)),)


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (pair((8, 2, 8)), "one dense layer takes 448 multiply-accumulates, the two 224"),
        (pair((4, 9, 3), outputs=("y", "m")), "an output of the model"),
        (pair((4, 9, 3), between=RELU, outputs=("y", "r")), "read by 2 layers"),
        (pair((4, 9, 3), between=RELU, read="r"), None),
    ],
    ids=["bottleneck", "output", "shared", "relu"],
)
def test_what_must_not_merge(graph, reason):
    result = compose_dense(graph)
    assert result.graph.nodes == graph.nodes
    assert len(result.declined) == (reason is not None)
    assert all(reason in said for said in result.declined)
