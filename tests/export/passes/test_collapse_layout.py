"""Rearrangements that cancel or move nothing go; what others read, and the names of outputs, stay."""

from __future__ import annotations

import pytest

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.tanh import Tanh
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.collapse_layout import collapse_layout
from edgeeeg_export.tensor import TensorType


def chain(*ops, outputs=("y",), extra=()):
    names = ("x", *(f"t{k}" for k in range(len(ops) - 1)), "y")
    nodes = tuple(Node(f"n{k}", op, (names[k],), (names[k + 1],), f"layer{k}") for k, op in enumerate(ops))
    return Graph("g", {"x": TensorType((1, 3, 8), 2, 1)}, outputs, (*nodes, *extra), {})


def ops_of(graph):
    return [node.op for node in graph.nodes]


@pytest.mark.parametrize(
    ("graph", "left"),
    [
        (chain(Relu(), Transpose((0, 2, 1)), Transpose((0, 2, 1))), [Relu()]),
        (chain(Transpose((0, 2, 1)), Transpose((1, 0, 2)), Relu()), [Transpose((2, 0, 1)), Relu()]),
        (chain(Reshape((1, 3, 1, -1)), Reshape((3, -1)), Relu()), [Reshape((3, -1)), Relu()]),
        (chain(Reshape((1, 3, -1)), Relu()), [Relu()]),
        (chain(Relu(), Reshape((1, 3, -1))), [Relu()]),
        (chain(Relu(), Reshape((1, 3, -1)), Relu(), Reshape((1, 3, -1)), Relu()), [Relu()] * 3),
        (chain(Transpose((1, 0, 2)), Relu()), [Reshape((3, 1, -1)), Relu()]),
        # channels last around activations
        (chain(Transpose((2, 0, 1)), Relu(), Tanh(), Transpose((1, 2, 0))), [Relu(), Tanh()]),
        # to (1, time, electrodes) for an image whose electrodes come last, and back
        (
            chain(
                Transpose((0, 2, 1)),
                Reshape((1, 1, -1, 3)),
                Transpose((0, 1, 3, 2)),
                Reshape((1, 3, -1)),
                Relu(),
            ),
            [Relu()],
        ),
        (
            chain(Transpose((0, 2, 1)), Reshape((1, 1, -1, 3)), Transpose((0, 1, 3, 2)), Relu()),
            [Reshape((1, 1, 3, -1)), Relu()],
        ),
    ],
    ids=lambda value: "-".join(
        type(op).__name__ for op in (value if isinstance(value, list) else ops_of(value))
    ),
)
def test_what_cancels_goes_and_the_numbers_stay(graph, left, same_numbers):
    result = collapse_layout(graph)
    assert ops_of(result.graph) == left
    assert result.graph.outputs == ("y",)
    assert result.fired
    same_numbers(graph, result.graph)


def test_the_frames_of_time_keep_an_axis_even_where_there_is_one():
    """Over one frame (1, 3, 1) turned is a view; over a recording it is not."""
    turn = Node("turn", Transpose((0, 2, 1)), ("x",), ("y",))
    graph = Graph("g", {"x": TensorType((1, 3, 1), 2, 1)}, ("y",), (turn,), {})
    assert collapse_layout(graph).graph.nodes == (turn,)


READER = (Node("reader", Relu(), ("t0",), ("z",)),)


@pytest.mark.parametrize(
    "graph",
    [
        chain(Transpose((0, 2, 1)), Transpose((0, 2, 1)), outputs=("y", "t0")),
        chain(Transpose((0, 2, 1)), Transpose((0, 2, 1)), outputs=("y", "z"), extra=READER),
        chain(Transpose((2, 0, 1)), Relu(), Transpose((2, 0, 1))),
        chain(Transpose((0, 2, 1)), Relu(), Transpose((0, 2, 1)), outputs=("y", "t1")),
        chain(Transpose((0, 2, 1)), Relu(), Transpose((0, 2, 1)), outputs=("y", "z"), extra=READER),
        chain(Transpose((0, 2, 1))),
        chain(Reshape((1, 3, -1))),
        chain(Relu(), Reshape((1, 3, -1)), outputs=("y", "t0")),
    ],
    ids=[
        "output",
        "shared",
        "another order",
        "output between",
        "shared before",
        "alone",
        "input to output",
        "two outputs",
    ],
)
def test_what_stays(graph):
    result = collapse_layout(graph)
    assert result.graph.nodes == graph.nodes
    assert result.fired == ()


def test_readers_between_follow_when_an_output_keeps_its_name(same_numbers):
    graph = chain(Relu(), Reshape((1, 3, -1)), outputs=("y", "z"), extra=READER)
    result = collapse_layout(graph)
    assert [(node.inputs, node.outputs) for node in result.graph.nodes] == [
        (("x",), ("y",)),
        (("y",), ("z",)),
    ]
    same_numbers(graph, result.graph)
