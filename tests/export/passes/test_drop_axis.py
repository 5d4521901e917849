"""Electrodes become channels where a convolution sums them whole: fewer axes, the same products."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.collapse_layout import collapse_layout
from edgeeeg_export.passes.drop_axis import drop_axis
from edgeeeg_export.tensor import TensorType


def image(op, weight, *shape, turn=()):
    rng = np.random.default_rng(0)
    constants = {
        "w": rng.uniform(-1, 1, weight).astype(np.float32),
        "b": rng.uniform(-1, 1, weight[0]).astype(np.float32),
    }
    source = "t" if turn else "x"
    nodes = (
        *turn,
        Node("image", Reshape(shape), (source,), ("i",)),
        Node("conv", op, ("i", "w", "b"), ("y",)),
    )
    return Graph("g", {"x": TensorType((1, 6, 24), 2, 1)}, ("y",), nodes, constants)


TURN = (Node("turn", Transpose((0, 2, 1)), ("x",), ("t",)),)


@pytest.mark.parametrize(
    ("graph", "kinds", "conv"),
    [
        (image(Conv((1, 1), (1, 1), 1, (0,) * 4), (4, 1, 6, 1), 1, 1, 6, -1), ["Conv", "Reshape"], Conv()),
        (
            image(Conv((1, 2), (1, 3), 2, (0, 3, 0, 0)), (4, 1, 3, 2), 1, 2, 3, -1),
            ["Conv", "Reshape"],
            Conv((2,), (3,), 2, (3, 0)),
        ),
        (
            image(Conv((1, 1), (1, 1), 6, (0, 2, 0, 1)), (12, 1, 1, 4), 1, 6, 1, -1),
            ["Conv", "Reshape"],
            Conv((1,), (1,), 6, (2, 1)),
        ),
        (
            image(Conv((1, 1), (1, 1), 3, (4, 0, 0, 0)), (6, 2, 5, 1), 1, 6, -1, 1),
            ["Conv", "Reshape"],
            Conv((1,), (1,), 3, (4, 0)),
        ),
        (
            image(Conv((1, 1), (1, 1), 1, (4, 0, 0, 0)), (3, 1, 5, 6), 1, 1, -1, 6, turn=TURN),
            ["Conv", "Reshape"],
            Conv((1,), (1,), 1, (4, 0)),
        ),
        (
            image(Conv((1,) * 3, (1,) * 3, 1, (0, 0, 4, 0, 0, 0)), (3, 1, 2, 3, 5), 1, 1, 2, 3, -1),
            ["Conv", "Reshape"],
            Conv((1,), (1,), 1, (4, 0)),
        ),
    ],
    ids=["space", "both", "one row", "time first", "electrodes last", "3-D"],
)
def test_the_axis_goes_and_the_numbers_stay(graph, kinds, conv, same_numbers):
    result = drop_axis(graph)
    assert result.fired
    simple = collapse_layout(result.graph).graph
    assert [node.op.kind for node in simple.nodes] == kinds
    assert simple.nodes[0].op == conv
    same_numbers(graph, result.graph)
    same_numbers(graph, simple)


def test_maps_and_electrodes_are_summed_in_the_same_order():
    graph = image(Conv((1, 1), (1, 1), 1, (0, 3, 0, 0)), (4, 2, 3, 4), 1, 2, 3, -1)
    x = {"x": np.random.default_rng(1).uniform(-1, 1, (1, 6, 24)).astype(np.float32)}
    truth, ours = (reference.run(g, x).tensors["y"] for g in (graph, drop_axis(graph).graph))
    np.testing.assert_array_equal(ours.view(np.uint32), truth.view(np.uint32))


@pytest.mark.parametrize(
    "graph",
    [
        image(Conv((1, 1), (1, 1), 1, (0,) * 4), (4, 1, 5, 1), 1, 1, 6, -1),
        image(Conv((1, 1), (1, 1), 1, (1, 0, 0, 0)), (4, 1, 6, 1), 1, 1, 6, -1),
        image(Conv((6, 1), (1, 1), 1, (0, 0, 1, 0)), (4, 1, 6, 1), 1, 1, 6, -1),
        image(Conv((1, 1), (1, 1), 1, (0,) * 4), (4, 1, 1, 6), 1, 1, -1, 6),
        image(Conv(), (4, 6, 1), 1, 6, -1),
    ],
    ids=["part", "padded", "padded behind", "electrodes last, nothing to turn back", "one axis"],
)
def test_other_convolutions_keep_their_axes(graph):
    assert drop_axis(graph).graph.nodes == graph.nodes
