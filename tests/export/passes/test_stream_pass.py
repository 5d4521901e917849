"""What can stream, what cannot and why, and which hops are whole frames."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.errors import NotCausal
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.passes.stream import natural_hop, stream
from edgeeeg_export.tensor import TensorType

N_TIMES = 60


def conv_graph(kernel, stride, dilation, left, right):
    weight = np.random.default_rng(kernel).uniform(-1, 1, (2, 1, kernel)).astype(np.float32)
    node = Node(
        "conv", Conv((stride,), (dilation,), 1, (left, right)), ("x", "w"), ("y",), path="encoder.conv"
    )
    return Graph("g", {"x": TensorType((1, 1, N_TIMES), 2, 1)}, ("y",), (node,), {"w": weight})


def refusal(graph, hop=None):
    with pytest.raises(NotCausal) as caught:
        stream(graph, hop)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_same_padding_names_layer_look_ahead_and_remedy():
    message = refusal(conv_graph(kernel=7, stride=1, dilation=1, left=3, right=3))
    assert "'encoder.conv' (Conv)" in message
    assert "3 frames (3 samples) of the future" in message
    assert "pad 6 on the left" in message


def test_look_ahead_counts_samples_behind_a_stride():
    weight = np.ones((1, 1, 4), dtype=np.float32)
    nodes = (
        Node("down", Conv((4,)), ("x", "w"), ("d",)),
        Node("late", Conv(pads=(1, 2)), ("d", "w"), ("y",)),
    )
    graph = Graph("g", {"x": TensorType((1, 1, N_TIMES), 2, 1)}, ("y",), nodes, {"w": weight})
    assert "2 frames (8 samples) of the future" in refusal(graph)


def test_padding_that_makes_frames():
    message = refusal(conv_graph(kernel=3, stride=1, dilation=1, left=2, right=1))
    assert "makes more than came in" in message
    assert "pad 2 on the left" in message


def test_every_padding_either_is_refused_or_streams_to_the_offline_result():
    """Where no obstacle is seen, hop by hop equals offline; where offline has other frames, one is seen."""
    streamed = refused = 0
    x = np.random.default_rng(0).uniform(-1, 1, (1, 1, N_TIMES)).astype(np.float32)
    for kernel, stride, dilation, left, right in itertools.product(
        (1, 2, 3, 5), (1, 2, 3, 4), (1, 2), range(10), (0, 1, 2)
    ):
        if N_TIMES + left + right < dilation * (kernel - 1) + 1:
            continue
        graph = conv_graph(kernel, stride, dilation, left, right)
        offline = reference.run(graph, {"x": x}).tensors["y"]
        try:
            step = stream(graph)
        except NotCausal:
            refused += 1
            # only a frame that its hop cannot complete, or another number of frames, may stop it
            reach = dilation * (kernel - 1) + 1
            assert left < reach - stride or offline.shape[2] != N_TIMES // stride
            continue
        streamed += 1
        states, pieces = None, []
        for start in range(0, N_TIMES, stride):
            result = reference.run(step, {"x": x[:, :, start : start + stride]}, states)
            states = result.states
            pieces.append(result.tensors["y"])
        np.testing.assert_array_equal(np.concatenate(pieces, axis=2), offline)
    assert streamed > 100
    assert refused > 100


@pytest.mark.parametrize("left", range(4, 8))
def test_a_strided_convolution_may_pad_from_what_it_needs_to_its_reach(left):
    assert stream(conv_graph(kernel=8, stride=4, dilation=1, left=left, right=0)).nodes[0].op.length == left


@pytest.mark.parametrize("left", [3, 8])
def test_but_neither_less_nor_more(left):
    refusal(conv_graph(kernel=8, stride=4, dilation=1, left=left, right=0))


def test_the_natural_hop_is_the_least_common_multiple():
    weight = np.ones((1, 1, 1), dtype=np.float32)
    nodes = (
        Node("a", Conv((4,)), ("x", "w"), ("p",)),
        Node("b", Conv((6,)), ("x", "w"), ("q",)),
    )
    graph = Graph("g", {"x": TensorType((1, 1, 48), 2, 1)}, ("p", "q"), nodes, {"w": weight})
    assert natural_hop(graph) == 12
    assert stream(graph).tensors["p"].frames == 3
    assert stream(graph, 24).tensors["q"].frames == 4
    assert "use a multiple of 12" in refusal(graph, 16)
    assert "use a multiple of 12" in refusal(graph, 0)


def test_an_output_without_time():
    graph = Graph(
        "g",
        {"x": TensorType((1, 1, 8), 2, 1)},
        ("constant",),
        (Node("r", Relu(), ("x",), ("y",)),),
        {"constant": np.ones(3, dtype=np.float32)},
    )
    assert "output 'constant' has no time axis" in refusal(graph)


def test_zero_frames_before_the_start_are_the_offline_padding():
    graph = conv_graph(kernel=5, stride=1, dilation=2, left=8, right=0)
    (state,) = stream(graph).all_states()
    assert (state.shape, state.initial) == ((1, 1, 8), 0.0)
