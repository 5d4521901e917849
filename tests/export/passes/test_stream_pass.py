"""One layer in a stream: any window of time, its delay, its caches, and which hops are whole frames."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.contract import stack_outputs
from edgeeeg_export.errors import NotCausal
from edgeeeg_export.graph import Graph, Node, Timing
from edgeeeg_export.ops.average_pool import AveragePool
from edgeeeg_export.ops.cache import Cache
from edgeeeg_export.ops.clip import Clip
from edgeeeg_export.ops.clock import Clock
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.dft import Dft
from edgeeeg_export.ops.gate import Gate
from edgeeeg_export.ops.max_pool import MaxPool
from edgeeeg_export.ops.pad import Pad
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.passes.stream import natural_hop, obstacles, stream
from edgeeeg_export.tensor import TensorType

N_TIMES = 24


def graph_of(*layers, n_times=N_TIMES, outputs=None):
    """Layers in a row, an operator and its weights each, on one channel."""
    nodes, constants, source = [], {}, "x"
    for k, (op, *weights) in enumerate(layers):
        names = [f"w{k}_{i}" for i in range(len(weights))]
        constants |= dict(zip(names, weights, strict=True))
        nodes.append(Node(f"layer_{k}", op, (source, *names), (f"t{k}",), path=f"net.{k}"))
        source = f"t{k}"
    return Graph("g", {"x": TensorType((1, 1, n_times), 2, 1)}, outputs or (source,), tuple(nodes), constants)


def conv(kernel, stride=1, dilation=1, left=0, right=0, channels=(1, 1)):
    c_in, c_out = channels
    rng = np.random.default_rng(kernel)
    weight = rng.uniform(-1, 1, (c_out, c_in, kernel)).astype(np.float32)
    bias = rng.uniform(0.5, 1, c_out).astype(np.float32)  # features of silence are not silent
    return Conv((stride,), (dilation,), 1, (left, right)), weight, bias


def geometries():
    for kernel, stride, dilation, left, right in itertools.product(
        (1, 2, 3, 5), (1, 2, 3, 4), (1, 2), (0, 1, 2, 3, 5, 8), (0, 1, 2, 5)
    ):
        reach = dilation * (kernel - 1) + 1
        if (kernel > 1 or dilation == 1) and left < 2 * reach and right < 2 * reach:
            yield kernel, stride, dilation, left, right, reach


def test_every_window_of_time_streams_to_the_last_bit_with_the_least_delay():
    """Every kernel, stride, dilation and padding, of which many look ahead or pad more than they see."""
    x = np.random.default_rng(0).uniform(-1, 1, (1, 1, N_TIMES)).astype(np.float32)
    tried = looked_ahead = 0
    for kernel, stride, dilation, left, right, reach in geometries():
        graph = graph_of(conv(kernel, stride, dilation, left, right))
        offline = reference.run(graph, {"x": x}).tensors["t0"]
        step = stream(graph)
        geometry = f"kernel {kernel} stride {stride} dilation {dilation} padding {left} {right}"
        # output 0 ends at sample reach - left - 1, and step k brings the samples up to (k + 1) stride
        assert step.timing.delay == max(-(-(reach - left) // stride) - 1, 0), geometry
        assert offline.shape[2] == N_TIMES // stride - step.timing.delay + step.timing.flush, geometry
        for chunk in (1, N_TIMES):
            ours = reference.run_stream(step, {"x": x}, chunk)["t0"]
            assert ours.shape == offline.shape, geometry
            np.testing.assert_array_equal(ours.view(np.uint32), offline.view(np.uint32), err_msg=geometry)
        tried += 1
        looked_ahead += step.timing.delay > 0
    assert tried > 400
    assert looked_ahead > 100


PAIRS = [
    (conv(5, left=2, right=2), conv(3, left=1, right=1)),
    (conv(4, stride=2, left=1, right=1), conv(3, dilation=2, left=2, right=2)),
    (conv(7), conv(4, stride=2, left=3, right=2)),
    (conv(3, left=1, right=1), conv(6, stride=3, left=7, right=4)),
    (conv(3, left=1, right=1), (MaxPool((3,), (2,), (1,), (1, 1)),)),
    (conv(3, left=1, right=1), (AveragePool((4,), (1,), (1,), (2, 1), False, True),)),
    (conv(3, left=1, right=1), (Pad(((0, 0), (0, 0), (2, 3)), "constant", 0.75),)),
    ((Pad(((0, 0), (0, 0), (-2, 4))),), conv(3, left=1, right=1)),
    ((Pad(((0, 0), (0, 0), (3, -1)), "constant", -0.5),), conv(2)),
]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0][0].kind}-{pair[1][0].kind}")
@pytest.mark.parametrize("times", [1, 3])
def test_two_windows_in_a_row_are_gated_between(pair, times, same_everywhere):
    """The frames around the recording are padding for the second layer, and not the first one's bias."""
    graph = graph_of(*pair)
    same_everywhere(graph, stream(graph, times * natural_hop(graph)), 9)


def test_without_the_gate_the_ends_would_be_wrong(counts, as_input):
    graph = graph_of(conv(5, left=2, right=2), conv(5, left=2, right=2))
    step = stream(graph)
    ungated = step.with_nodes(
        tuple(
            Node(node.name, Clip(-1e9, 1e9), node.inputs[:1], node.outputs)
            if isinstance(node.op, Gate)
            else node
            for node in step.nodes
        )
    )
    x = as_input(counts(N_TIMES, 1))
    truth = reference.run(graph, {"x": x}).tensors["t1"]
    assert np.array_equal(reference.run_stream(step, {"x": x}, 1)["t1"], truth)
    wrong = reference.run_stream(ungated, {"x": x}, 1)["t1"] != truth
    assert np.flatnonzero(wrong).tolist() == [0, 1, N_TIMES - 2, N_TIMES - 1]


def test_what_sees_no_frame_from_outside_needs_no_clock():
    causal = stream(graph_of(conv(5, left=4), conv(3, left=2)))
    assert {node.op.kind for node in causal.nodes} == {"Cache", "Conv"}
    assert causal.timing == Timing(0, 0, causal.timing.behind)
    first = stream(graph_of(conv(5, left=2, right=2)))
    assert not any(
        isinstance(node.op, Clock | Gate) for node in first.nodes
    )  # zeros are pushed after the end
    assert (first.timing.delay, first.timing.flush) == (2, 2)


def test_delay_counts_frames_behind_a_stride():
    graph = graph_of(conv(4, stride=4), conv(4, left=1, right=2))
    step = stream(graph)
    assert step.timing.behind["t1"] == 2  # frames, of four samples each
    assert (step.timing.delay, step.timing.flush) == (2, 2)
    assert stream(graph, 8).timing.delay == 1
    assert stream(graph, 12).timing.delay == 1  # less than a step is a step


@pytest.mark.parametrize("n_steps", [0, 1, 2, 3])
def test_recordings_shorter_than_the_delay(n_steps, as_input, counts, native):
    graph = graph_of(conv(9, left=4, right=4), conv(5, left=2, right=2))
    step = stream(graph)
    assert step.timing.delay == 6
    samples = counts(n_steps, 1)
    ours = reference.run_stream(step, {"x": as_input(samples)}, 1)["t1"]
    assert ours.shape == (1, 1, n_steps)
    model = native(step)
    assert model.push(samples).size == 0
    in_c = model.flush(9)
    assert in_c.shape == (n_steps, 1)
    np.testing.assert_array_equal(in_c.view(np.uint32), ours.reshape(-1, 1).view(np.uint32))
    if n_steps:
        truth = reference.run(graph, {"x": as_input(samples)}).tensors["t1"]
        np.testing.assert_array_equal(ours, truth)


def test_recordings_shorter_than_a_window_have_no_outputs(as_input, counts, native):
    graph = graph_of(conv(9))
    step = stream(graph)
    assert (step.timing.delay, step.timing.flush) == (8, 0)
    assert reference.run_stream(step, {"x": as_input(counts(5, 1))}, 2)["t0"].shape == (1, 1, 0)
    assert native(step).push(counts(8, 1)).shape == (0, 1)


@pytest.mark.parametrize("left", range(9))
def test_a_cache_is_as_long_as_what_its_layer_sees_of_the_past(left):
    step = stream(graph_of(conv(8, stride=4, left=left)))
    (cache,) = (node.op for node in step.nodes if isinstance(node.op, Cache))
    # what the next step brings is not of the past
    assert cache.length == step.timing.delay * 4 + left
    assert 4 <= cache.length < 9


def test_readers_that_pad_alike_share_a_cache(same_everywhere):
    """And those that see nothing outside the recording share one with any that does."""
    nodes = (
        Node("short", conv(3, left=2)[0], ("x", "w3"), ("p",)),
        Node("long", conv(7, left=6)[0], ("x", "w7"), ("q",)),
        Node("maximum", MaxPool((2,), (1,), (1,), (1, 0)), ("x",), ("r",)),  # pads with less than zero
        Node("inside", conv(3)[0], ("x", "w3"), ("s",)),
    )
    weights = {f"w{k}": np.ones((1, 1, k), dtype=np.float32) for k in (3, 7)}
    graph = Graph("g", {"x": TensorType((1, 1, N_TIMES), 2, 1)}, ("p", "q", "r", "s"), nodes, weights)
    step = stream(graph)
    assert [node.op.length for node in step.nodes if isinstance(node.op, Cache)] == [6, 1]
    same_everywhere(graph, step, 12)


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
    for hop in (16, 0):
        with pytest.raises(NotCausal, match="use a multiple of 12"):
            stream(graph, hop)


def test_an_output_without_time():
    nodes = (Node("r", Relu(), ("x",), ("y",)),)
    graph = Graph(
        "g",
        {"x": TensorType((1, 1, 8), 2, 1)},
        ("constant",),
        nodes,
        {"constant": np.ones(3, dtype=np.float32)},
    )
    with pytest.raises(NotCausal, match="output 'constant' has no time axis"):
        stream(graph)


def test_what_needs_its_window_says_so_and_what_would_work():
    """The importer gives such layers their windows; in a graph without them, the pass refuses."""
    table = np.ones((4, 2), dtype=np.float32)
    spectrum = Node("d", Dft(2), ("x", "table"), ("y",), path="front.spectrum")
    graph = Graph("g", {"x": TensorType((1, 1, 4, 1), 2, 1)}, ("y",), (spectrum,), {"table": table})
    reason, _ = obstacles(graph)
    assert reason.startswith("layer 'front.spectrum' (Dft) cannot stream: ")
    assert "STFT" in reason
    edges = graph_of((Pad(((0, 0), (0, 0), (1, 1)), "reflect"),), (Relu(),))
    (reason,) = obstacles(edges)
    assert "needs its whole window; pad with zeros" in reason
    with pytest.raises(NotCausal, match=r"'net.0' .*pad with zeros"):
        stream(edges)
    both = graph_of((Pad(((0, 0), (0, 0), (1, 1)), "edge"),), (Pad(((0, 0), (0, 0), (2, 0)), "wrap"),))
    assert len(obstacles(both)) == 2


def test_zero_frames_before_the_start_are_the_offline_padding():
    (state,) = stream(graph_of(conv(5, dilation=2, left=8))).all_states()
    assert (state.shape, state.initial) == ((1, 1, 8), 0.0)


def test_frames_of_the_end_that_fill_no_step_are_left_out(counts, as_input):
    graph = graph_of(conv(3, left=1, right=2))  # a frame more than came in
    step = stream(graph, 4)
    x = as_input(counts(N_TIMES, 1))
    assert reference.run(graph, {"x": x}).tensors["t0"].shape[2] == N_TIMES + 1
    ours = reference.run_stream(step, {"x": x}, 1)
    assert stack_outputs(step, ours).shape == (N_TIMES // 4, 4)


@pytest.mark.parametrize("cut", [(0, -1), (0, -5), (-2, -3), (3, -4)])
@pytest.mark.parametrize("times", [1, 2])
def test_frames_that_the_end_takes_away_are_not_given_out_before(cut, times, same_everywhere):
    """An output is late by as many frames as are cut off the end, though it needs no future."""
    graph = graph_of((Relu(),), (Pad(((0, 0), (0, 0), cut)),), conv(3, left=2))
    step = stream(graph, times)
    assert (step.timing.delay, step.timing.flush) == (-(sum(cut) // times), 0)
    same_everywhere(graph, step, 9)


@pytest.mark.parametrize("cut", [(0, -1), (-1, -3)])
def test_the_end_of_frames_that_were_cut_is_padded_too(cut, same_everywhere):
    """A frame that the cut takes away must not be seen as one by the layer that pads behind it."""
    for reader in (conv(2, right=1), conv(5, left=2, right=2), conv(3, left=2)):
        graph = graph_of((Pad(((0, 0), (0, 0), cut)),), reader)
        for hop in (1, 2):
            same_everywhere(graph, stream(graph, hop), 9)
    nodes = (
        Node("cut", Pad(((0, 0), (0, 0), cut)), ("x",), ("c",)),
        Node("ahead", conv(5, left=2, right=2)[0], ("c", "w"), ("p",)),
        Node("causal", conv(5, left=4)[0], ("c", "w"), ("q",)),
    )
    weights = {"w": conv(5)[1]}
    graph = Graph("g", {"x": TensorType((1, 1, N_TIMES), 2, 1)}, ("p", "q"), nodes, weights)
    same_everywhere(graph, stream(graph), 9)
