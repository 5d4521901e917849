"""A map with constants in front of a layer goes into its weights, but no offset in front of zero padding."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.div import Div
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.sub import Sub
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes import simplify
from edgeeeg_export.passes.fold_in_front import fold_in_front
from edgeeeg_export.tensor import TensorType

RNG = np.random.default_rng(0)
CONSTANTS = {
    "mean": RNG.standard_normal((4, 1)).astype(np.float32),
    "std": RNG.uniform(0.5, 2, (4, 1)).astype(np.float32),
    "half": np.array(0.5, dtype=np.float32),
    "taps": RNG.standard_normal((6, 2, 5)).astype(np.float32),
    "full": RNG.standard_normal((3, 4, 5)).astype(np.float32),
    "bias": RNG.standard_normal(6).astype(np.float32),
    "w": RNG.standard_normal((4, 2)).astype(np.float32),
    "gain": RNG.uniform(0.5, 2, 4).astype(np.float32),
    "huge": np.full((4, 1), 3e38, dtype=np.float32),
}
SCALED = Node("scale", Div(), ("x", "std"), ("s",))
MOVED = Node("move", Sub(), ("x", "mean"), ("s",))


def graph_of(*nodes, outputs=("y",)):
    used = {name for node in nodes for name in node.inputs}
    constants = {name: value for name, value in CONSTANTS.items() if name in used}
    return Graph("g", {"x": TensorType((1, 4, 24), 2, 1)}, outputs, nodes, constants)


def conv(source="s", pads=(0, 0)):
    return Node("conv", Conv((1,), (1,), 2, pads), (source, "taps", "bias"), ("y",))


@pytest.mark.parametrize(
    "nodes",
    [
        (SCALED, conv(pads=(4, 0))),
        (SCALED, conv(pads=(2, 2))),
        (MOVED, conv()),
        (MOVED, Node("full", Conv((2,), (1,)), ("s", "full"), ("y",))),
        (Node("less", Sub(), ("mean", "x"), ("s",)), conv()),
        (Node("half", Mul(), ("half", "x"), ("s",)), conv(pads=(4, 0))),
        (MOVED, Node("scale", Div(), ("s", "std"), ("z",)), conv("z")),
        (MOVED, Node("t", Transpose((0, 2, 1)), ("s",), ("t",)), Node("d", Linear(), ("t", "w"), ("y",))),
        (
            Node("t", Transpose((0, 2, 1)), ("x",), ("t",)),
            Node("gain", Mul(), ("t", "gain"), ("s",)),
            Node("shift", Add(), ("s", "gain"), ("z",)),
            Node("d", Linear(), ("z", "w"), ("y",)),
        ),
        (
            SCALED,
            Node("image", Reshape((1, 4, 1, -1)), ("s",), ("i",)),
            Node("flat", Reshape((1, 4, -1)), ("i",), ("f",)),
            conv("f", (4, 0)),
        ),
    ],
    ids=lambda nodes: "-".join(node.op.kind for node in nodes),
)
def test_the_layer_takes_it_and_the_numbers_stay(nodes, same_numbers):
    graph = graph_of(*nodes)
    result = fold_in_front(graph)
    assert not any(isinstance(node.op, Add | Sub | Mul | Div) for node in result.graph.nodes)
    same_numbers(graph, result.graph)


def test_what_lies_between_gets_a_name_of_its_own():
    turn = Node("t", Transpose((0, 2, 1)), ("s",), ("t",))
    after = fold_in_front(graph_of(SCALED, turn, Node("d", Linear(), ("t", "w"), ("y",)))).graph
    assert [node.outputs for node in after.nodes] == [("t.unscaled",), ("y",)]


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (graph_of(MOVED, conv(pads=(4, 0))), "zeros behind that offset"),
        (graph_of(MOVED, conv(pads=(0, 1))), "zeros behind that offset"),
        (graph_of(SCALED, conv(), outputs=("y", "s")), "an output of the model"),
        (graph_of(SCALED, conv(), Node("r", Relu(), ("s",), ("z",)), outputs=("y", "z")), "2 layers"),
        (graph_of(SCALED, Node("r", Relu(), ("s",), ("z",)), conv("z")), None),
        (graph_of(Node("big", Mul(), ("x", "huge"), ("s",)), conv()), "range of float32"),
    ],
    ids=["past padded", "future padded", "output", "shared", "relu", "overflow"],
)
def test_what_must_not_be_folded(graph, reason):
    result = fold_in_front(graph)
    assert result.graph.nodes == graph.nodes
    assert len(result.declined) == (reason is not None)
    assert all(reason in said for said in result.declined)


def test_z_scores_of_electrodes_go_through_a_convolution_over_time_into_the_one_over_space(same_numbers):
    """Taps that electrodes share cannot take them; once space comes first, its weights can."""
    weights = {
        "std": CONSTANTS["std"],
        "h": RNG.standard_normal((3, 1, 1, 6)).astype(np.float32),
        "q": RNG.standard_normal((6, 1, 4, 1)).astype(np.float32),
    }
    nodes = (
        SCALED,
        Node("image", Reshape((1, 1, 4, -1)), ("s",), ("i",)),
        Node("temporal", Conv((1, 1), (1, 1), 1, (0, 5, 0, 0)), ("i", "h"), ("m",)),
        Node("spatial", Conv((1, 1), (1, 1), 3, (0, 0, 0, 0)), ("m", "q"), ("y",)),
    )
    graph = Graph("g", {"x": TensorType((1, 4, 24), 2, 1)}, ("y",), nodes, weights)
    assert "differs along another axis" in fold_in_front(graph).declined[0]
    simple = simplify(graph)
    assert [node.op.kind for node in simple.nodes] == ["Conv", "Conv", "Reshape"]
    same_numbers(graph, simple)
