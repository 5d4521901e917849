"""A convolution padded on both sides and cut at its end becomes causal: the same numbers, and a stream."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.pad import Pad
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.passes.fuse_trim import fuse_trim
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.tensor import TensorType


def draw(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def trimmed(conv, cut, outputs=("y",), reader=()):
    nodes = (
        Node("conv", conv, ("x", "w"), ("c",)),
        Node("trim", Pad(((0, 0), (0, 0), cut)), ("c",), ("y",)),
        *reader,
    )
    return Graph("g", {"x": TensorType((1, 2, 24), 2, 1)}, outputs, nodes, {"w": draw(3, 2, 3)})


def kinds(graph):
    return [node.op.kind for node in graph.nodes]


@pytest.mark.parametrize(
    ("conv", "cut"),
    [
        (Conv(dilations=(2,), pads=(4, 4)), (0, -4)),
        (Conv(pads=(4, 0)), (-2, 0)),
        (Conv(strides=(2,), pads=(3, 4)), (-1, -2)),
    ],
    ids=str,
)
def test_the_numbers_stay_and_are_less_late(conv, cut, same_everywhere):
    graph, x = trimmed(conv, cut), draw(1, 2, 24)
    fused = fuse_trim(graph).graph
    assert kinds(fused) == ["Conv"]
    truth = reference.run(graph, {"x": x}).tensors["y"]
    np.testing.assert_array_equal(reference.run(fused, {"x": x}).tensors["y"], truth)
    step, uncut = stream(fused), stream(graph)
    assert step.timing.delay == 0 <= uncut.timing.delay
    assert sum(state.size for state in step.all_states()) <= sum(state.size for state in uncut.all_states())
    for each in (step, uncut):
        same_everywhere(graph, each, 9)


@pytest.mark.parametrize(
    ("conv", "cut", "outputs", "reader"),
    [
        (Conv(pads=(2, 1)), (0, -2), ("y",), ()),  # cuts frames of samples, not of padding
        (Conv(pads=(2, 2)), (1, -2), ("y",), ()),  # pads at the other end
        (Conv(pads=(2, 2)), (0, -2), ("y", "c"), ()),  # the uncut result is an output
        (Conv(pads=(2, 2)), (0, -2), ("y", "r"), (Node("r", Relu(), ("c",), ("r",)),)),  # or read by another
    ],
)
def test_what_does_not_fit_stays(conv, cut, outputs, reader):
    graph = trimmed(conv, cut, outputs, reader)
    assert kinds(fuse_trim(graph).graph) == kinds(graph)


def test_a_cut_that_stays_streams_too(same_everywhere):
    graph = trimmed(Conv(pads=(2, 0)), (0, -1))
    assert kinds(fuse_trim(graph).graph) == ["Conv", "Pad"]
    step = stream(graph)
    # a frame fewer than came in: until the next one comes, it might be the last
    assert (step.timing.delay, step.timing.flush) == (1, 0)
    same_everywhere(graph, step, 9)
