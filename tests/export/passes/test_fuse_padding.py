"""Zeros in front of a convolution become its own: the same numbers, and a stream."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.average_pool import AveragePool
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.frame import Frame
from edgeeeg_export.ops.gather import Gather
from edgeeeg_export.ops.max_pool import MaxPool
from edgeeeg_export.ops.pad import Pad
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.fuse_padding import fuse_padding
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.tensor import TensorType

TIME = ((0, 0), (0, 0), (4, 0))


def draw(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def padded(op, pads=TIME, value=0.0, outputs=("y",), mode="constant"):
    constants = {"w": draw(3, 2, 5)} if isinstance(op, Conv) else {}
    nodes = (
        Node("pad", Pad(pads, mode, value), ("x",), ("p",)),
        Node("layer", op, ("p", *constants), ("y",)),
    )
    return Graph("g", {"x": TensorType((1, 2, 20), 2, 1)}, outputs, nodes, constants)


def kinds(graph):
    return [node.op.kind for node in graph.nodes]


@pytest.mark.parametrize(
    "op",
    [
        Conv(),
        Conv(pads=(0, 1)),
        Conv((2,)),
        AveragePool((5,), (1,), (1,), (0, 0)),
        AveragePool((5,), (2,), (1,), (1, 0), count_include_pad=True),
        Frame(2, 6, 2),
    ],
    ids=repr,
)
def test_the_numbers_stay_and_time_streams(op):
    graph, x = padded(op), draw(1, 2, 20)
    fused = fuse_padding(graph).graph
    assert kinds(fused) == [op.kind]
    truth = reference.run(graph, {"x": x}).tensors["y"]
    np.testing.assert_array_equal(reference.run(fused, {"x": x}).tensors["y"], truth)
    if truth.shape[2] == 20 // fused.tensors["y"].samples_per_frame:
        step, states, pieces = stream(fused, 4), None, []
        for at in range(0, 20, 4):
            result = reference.run(step, {"x": x[:, :, at : at + 4]}, states)
            states = result.states
            pieces.append(result.tensors["y"])
        np.testing.assert_array_equal(np.concatenate(pieces, axis=2), truth)


@pytest.mark.parametrize(
    "graph",
    [
        padded(Conv(), value=0.5),
        padded(Conv(), mode="edge"),
        padded(Conv(), outputs=("y", "p")),
        padded(Conv(), pads=((0, 0), (0, 0), (4, -1))),
        padded(Relu()),
        padded(MaxPool((5,), (1,), (1,), (0, 0))),
        padded(AveragePool((5,), (1,), (1,), (1, 0))),
        padded(AveragePool((5,), (2,), (1,), (0, 0), ceil_mode=True)),
        padded(Frame(2, 6, 2), pads=((0, 0), (0, 0), (4, 1))),
        padded(Frame(2, 6, 2), pads=((0, 0), (1, 0), (4, 0))),
    ],
    ids=lambda graph: str([node.op for node in graph.nodes]),
)
def test_other_padding_stays(graph):
    assert kinds(fuse_padding(graph).graph) == kinds(graph)


def test_padding_moves_behind_what_only_rearranges():
    nodes = (
        Node("pad", Pad(TIME), ("x",), ("p",)),
        Node("pick", Gather(1, (1, 0, 1), (3,)), ("p",), ("g",)),
        Node("turn", Transpose((2, 0, 1)), ("g",), ("t",)),
        Node("widen", Reshape((-1, 1, 3, 1)), ("t",), ("r",)),
        Node("frame", Frame(0, 6, 2), ("r",), ("y",)),
    )
    graph = Graph("g", {"x": TensorType((1, 2, 20), 2, 1)}, ("y",), nodes, {})
    fused, x = fuse_padding(graph).graph, draw(1, 2, 20)
    assert kinds(fused) == ["Gather", "Transpose", "Reshape", "Frame"]
    assert fused.nodes[-1].op == Frame(0, 6, 2, 4)
    truth = reference.run(graph, {"x": x}).tensors["y"]
    np.testing.assert_array_equal(reference.run(fused, {"x": x}).tensors["y"], truth)


def test_padding_of_channels_does_not_pass_what_mixes_or_picks_them():
    pads = ((0, 0), (1, 0), (4, 0))
    for op in (Reshape((3, 1, -1)), Gather(1, (0, 2), (2,))):
        graph = padded(op, pads)
        assert kinds(fuse_padding(graph).graph) == ["Pad", op.kind]


def test_padding_that_two_layers_read_goes_into_both_or_neither():
    pad = Node("pad", Pad(TIME), ("x",), ("p",))
    conv = Node("conv", Conv(), ("p", "w"), ("y",))
    frame = Node("frame", Frame(2, 6, 2), ("p",), ("z",))
    relu = Node("relu", Relu(), ("p",), ("z",))
    inputs, constants = {"x": TensorType((1, 2, 20), 2, 1)}, {"w": draw(3, 2, 5)}
    both = Graph("g", inputs, ("y", "z"), (pad, conv, frame), constants)
    assert kinds(fuse_padding(both).graph) == ["Conv", "Frame"]
    neither = Graph("g", inputs, ("y", "z"), (pad, conv, relu), constants)
    assert kinds(fuse_padding(neither).graph) == ["Pad", "Conv", "Relu"]
