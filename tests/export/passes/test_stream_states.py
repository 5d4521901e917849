"""Layers with a state behind look-ahead: they sleep until their first frame of the recording is there."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.cumsum import CumSum
from edgeeeg_export.ops.gru import Gru
from edgeeeg_export.ops.guarded import Guarded
from edgeeeg_export.ops.lif import Lif
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.lstm import Lstm
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.rnn import Rnn
from edgeeeg_export.ops.selective_scan import SelectiveScan
from edgeeeg_export.ops.softplus import Softplus
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.stream import natural_hop, stream
from edgeeeg_export.tensor import TensorType

N = 3
KINDS = ("lstm", "gru", "rnn", "lif", "scan", "cumsum")


def draw(*shape, seed=0, low=-0.8, high=0.8):
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def recurrent(op):
    """Weights and nodes of a recurrent layer from `c` to `s` (1, frames, N), whose start is not zero."""
    rows = op.gates * N
    weights = {
        "W": draw(1, rows, N, seed=1),
        "R": draw(1, rows, N, seed=2),
        "B": draw(1, op.biases * N, seed=3),
    }
    nodes = (
        Node("turn", Transpose((2, 0, 1)), ("c",), ("steps",)),
        Node("cell", op, ("steps", "W", "R", "B"), ("h",)),
        Node("join", Reshape((1, -1, N)), ("h",), ("s",)),
    )
    return weights, nodes


def start(kind):
    return tuple(tuple(row) for row in draw(len(kind.memories), N, seed=4).tolist())


def stateful(kind):
    """One layer with a state, from `c` (1, N, frames) to `s` (1, frames, N)."""
    if kind in ("lstm", "gru", "rnn"):
        op = {"lstm": Lstm, "gru": Gru, "rnn": Rnn}[kind]
        return recurrent(op(initial=start(op)))
    turn = Node("turn", Transpose((0, 2, 1)), ("c",), ("f",))
    if kind == "lif":
        weights = {"beta": draw(N, low=0.5, high=0.9), "threshold": draw(N, low=0.2, high=0.6)}
        return weights, (turn, Node("cell", Lif(), ("f", "beta", "threshold"), ("s",)))
    if kind == "cumsum":
        return {}, (turn, Node("cell", CumSum(1), ("f",), ("s",)))
    weights = {"A": draw(N, 2, seed=5, low=-2, high=-0.1), "D": draw(N, seed=6)}
    weights |= {"dt": draw(N, N, seed=7), "B": draw(N, 2, seed=8), "C": draw(N, 2, seed=9)}
    return weights, (
        turn,
        Node("d", Linear(), ("f", "dt"), ("rate",)),
        Node("p", Softplus(), ("rate",), ("delta",)),
        Node("b", Linear(), ("f", "B"), ("in",)),
        Node("o", Linear(), ("f", "C"), ("out",)),
        Node("cell", SelectiveScan(), ("f", "delta", "A", "in", "out", "D"), ("s",)),
    )


def graph_of(kind, stride=1):
    """A `same` convolution, a layer with a state, and another `same` convolution."""
    weights, nodes = stateful(kind)
    weights |= {"w": draw(N, 2, 7, seed=10), "bias": draw(N, seed=11), "v": draw(2, N, 5, seed=12)}
    nodes = (
        Node("front", Conv((stride,), (1,), 1, (3, 3)), ("x", "w", "bias"), ("c",)),
        *nodes,
        Node("back", Transpose((0, 2, 1)), ("s",), ("t",)),
        Node("rear", Conv(pads=(2, 2)), ("t", "v"), ("y",)),
    )
    return Graph("g", {"x": TensorType((1, 2, 48), 2, 1)}, ("y", "s"), nodes, weights)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("stride", "times"), [(1, 1), (1, 2), (2, 1), (1, 5)])
def test_states_begin_with_the_recording(kind, stride, times, same_everywhere):
    """Frames before the start do not move a state, whatever part of a step they fill."""
    graph = graph_of(kind, stride)
    step = stream(graph, times * natural_hop(graph))
    assert step.timing.delay > 0
    same_everywhere(graph, step, 11)


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_stays_as_it_began_while_its_layer_sleeps(kind, counts, as_input):
    step = stream(graph_of(kind))
    (cell,) = (node for node in step.nodes if node.name == "cell")
    assert isinstance(cell.op, Guarded)
    assert cell.op.steps == 3
    before = reference.initial_states(step)["cell"]
    x = as_input(counts(4, 2))
    asleep = reference.run(step, {"x": x[..., :3]})
    for state, began in zip(asleep.states["cell"], before, strict=True):
        np.testing.assert_array_equal(state, began)
    assert not asleep.tensors[cell.outputs[0]].any()
    awake = reference.run(step, {"x": x[..., 3:]}, asleep.states).states["cell"]
    assert any((state != began).any() for state, began in zip(awake, before, strict=True))


def test_what_needs_no_future_is_not_guarded():
    weights, nodes = stateful("gru")
    weights |= {"w": draw(N, 2, 7, seed=10)}
    front = Node("front", Conv(pads=(6, 0)), ("x", "w"), ("c",))
    graph = Graph("g", {"x": TensorType((1, 2, 48), 2, 1)}, ("s",), (front, *nodes), weights)
    assert {node.op.kind for node in stream(graph).nodes} == {"Cache", "Conv", "Transpose", "Gru", "Reshape"}
    assert not any(isinstance(node.op, Guarded) for node in stream(graph).nodes)


def test_states_of_operands_of_unequal_delay(same_everywhere):
    """A scan whose inputs look ahead by nothing and by two frames, in steps of three."""
    weights = {"A": draw(N, 2, seed=5, low=-2, high=-0.1), "D": draw(N, seed=6)}
    weights |= {"w": draw(N, N, 5, seed=10), "B": draw(N, 2, seed=8), "C": draw(N, 2, seed=9)}
    nodes = (
        Node("front", Conv(pads=(2, 2)), ("x", "w"), ("c",)),
        Node("now", Transpose((0, 2, 1)), ("x",), ("f",)),
        Node("late", Transpose((0, 2, 1)), ("c",), ("rate",)),
        Node("p", Softplus(), ("rate",), ("delta",)),
        Node("b", Linear(), ("f", "B"), ("in",)),
        Node("o", Linear(), ("rate", "C"), ("out",)),
        Node("cell", SelectiveScan(), ("f", "delta", "A", "in", "out", "D"), ("s",)),
        Node("skip", Add(), ("s", "f"), ("y",)),
    )
    graph = Graph("g", {"x": TensorType((1, N, 48), 2, 1)}, ("y",), nodes, weights)
    for hop in (1, 3):
        same_everywhere(graph, stream(graph, hop), 11)
