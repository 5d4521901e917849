"""Branches and outputs of unequal delay meet behind delay lines."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.average_pool import AveragePool
from edgeeeg_export.ops.concat import Concat
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.delay import Delay
from edgeeeg_export.ops.max_pool import MaxPool
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.sigmoid import Sigmoid
from edgeeeg_export.passes.stream import natural_hop, stream
from edgeeeg_export.tensor import TensorType

N_CHANS = 2


def draw(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


WEIGHTS = {f"w{k}": draw(N_CHANS, N_CHANS, k, seed=k) for k in (2, 3, 4, 5, 7)}
WEIGHTS |= {"b": draw(N_CHANS, seed=9)}


def graph_of(*nodes, outputs=("y",)):
    made = tuple(Node(f"{op.kind.lower()}_{k}", op, tuple(x), (y,)) for k, (op, x, y) in enumerate(nodes))
    graph = Graph("g", {"x": TensorType((1, N_CHANS, 48), 2, 1)}, outputs, made, WEIGHTS)
    return graph.with_nodes(made)  # less the weights that are not read


def same(kernel, stride=1):
    return Conv((stride,), (1,), 1, ((kernel - 1) // 2, kernel // 2))


RESIDUAL = graph_of((same(5), ("x", "w5", "b"), "c"), (Relu(), ("c",), "r"), (Add(), ("r", "x"), "y"))
TWO_RESIDUALS = graph_of(
    (same(5), ("x", "w5", "b"), "c"),
    (Add(), ("c", "x"), "a"),
    (same(7), ("a", "w7", "b"), "d"),
    (Add(), ("a", "d"), "y"),
)
INCEPTION = graph_of(
    (same(7), ("x", "w7", "b"), "long"),
    (same(3), ("x", "w3", "b"), "short"),
    (MaxPool((3,), (1,), (1,), (1, 1)), ("x",), "max"),
    (Concat(1), ("long", "short", "max"), "y"),
)
STRIDED = graph_of(  # the shortcut of a strided block averages what the block looks ahead of
    (same(5), ("x", "w5", "b"), "c"),
    (Conv((2,), (1,), 1, (1, 2)), ("c", "w4", "b"), "d"),
    (AveragePool((2,), (2,), (1,), (0, 0)), ("x",), "shortcut"),
    (Add(), ("d", "shortcut"), "e"),
    (same(3), ("e", "w3", "b"), "f"),
    (Mul(), ("f", "e"), "y"),
)
GATED = graph_of(  # WaveNet's unit
    (same(3), ("x", "w3", "b"), "f"),
    (same(5), ("x", "w5", "b"), "g"),
    (Sigmoid(), ("g",), "s"),
    (Mul(), ("f", "s"), "y"),
)
GRAPHS = {
    "residual": RESIDUAL,
    "two residuals": TWO_RESIDUALS,
    "inception": INCEPTION,
    "strided": STRIDED,
    "gated": GATED,
}


@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize("name", GRAPHS)
def test_branches_meet_as_offline(name, times, same_everywhere):
    graph = GRAPHS[name]
    truth = same_everywhere(graph, stream(graph, times * natural_hop(graph)), 12)
    assert len(truth) == 12


def test_the_shorter_branch_waits_and_nothing_else():
    step = stream(RESIDUAL)
    (delay,) = (node for node in step.nodes if isinstance(node.op, Delay))
    assert (delay.inputs, delay.op.frames) == (("x",), 2)
    assert step.timing.behind["y"] == 2
    causal = stream(graph_of((Conv(pads=(4, 0)), ("x", "w5", "b"), "c"), (Add(), ("c", "x"), "y")))
    assert not any(isinstance(node.op, Delay) for node in causal.nodes)


def test_readers_of_one_late_tensor_share_its_delay_line():
    graph = graph_of(
        (same(5), ("x", "w5", "b"), "c"),
        (Add(), ("c", "x"), "a"),
        (Mul(), ("c", "x"), "m"),
        (Add(), ("a", "m"), "y"),
    )
    assert sum(isinstance(node.op, Delay) for node in stream(graph).nodes) == 1


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize(
    "graph",
    [
        graph_of((same(7), ("x", "w7", "b"), "late"), (Relu(), ("x",), "now"), outputs=("late", "now")),
        graph_of(  # an output that others read, at another rate than the second
            (same(5), ("x", "w5", "b"), "c"),
            (Conv((2,), (1,), 1, (1, 1)), ("c", "w4", "b"), "y"),
            outputs=("c", "y"),
        ),
        graph_of(  # the recording has fewer frames of one, and more of the other
            (Conv(), ("x", "w5", "b"), "fewer"),
            (Conv(pads=(3, 5)), ("x", "w3", "b"), "more"),
            outputs=("fewer", "more"),
        ),
    ],
    ids=["late and now", "two rates", "fewer and more"],
)
def test_two_heads_come_together(graph, times, same_everywhere):
    step = stream(graph, times * natural_hop(graph))
    for name in graph.outputs:
        assert step.timing.behind[name] == step.timing.delay * step.tensors[name].frames
    same_everywhere(graph, step, 13)
