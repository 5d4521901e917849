"""Space before time: the same numbers for less work, and only where nothing else sees what is in between."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.commute import commute
from edgeeeg_export.passes.rewriting import macs
from edgeeeg_export.tensor import TensorType

N_CHANS, N_TIMES = 5, 48


def pair(
    temporal=((1, 1), (0, 7, 0, 0)),
    n_maps=3,
    depth=2,
    biases=("temporal", "spatial"),
    shape=(1, 1, N_CHANS, -1),
    kernels=((1, 8), (N_CHANS, 1)),
    groups=None,
    space_pads=(0, 0, 0, 0),
    between=(),
    outputs=("y",),
    read="m",
    seed=0,
):
    """x as an image, a convolution over time, one over electrodes: (strides, pads) of the first."""
    rng = np.random.default_rng(seed)
    groups, n_out = n_maps if groups is None else groups, n_maps * depth
    constants = {
        "h": rng.uniform(-1, 1, (n_maps, 1, *kernels[0])),
        "q": rng.uniform(-1, 1, (n_out, n_maps // groups, *kernels[1])),
        "bh": rng.uniform(-1, 1, n_maps),
        "bq": rng.uniform(-1, 1, n_out),
    }
    with_bias = {
        name: (bias,) if name in biases else () for name, bias in (("temporal", "bh"), ("spatial", "bq"))
    }
    strides, pads = temporal
    nodes = (
        Node("image", Reshape(shape), ("x",), ("i",)),
        Node("temporal", Conv(strides, (1, 1), 1, pads), ("i", "h", *with_bias["temporal"]), ("m",)),
        *between,
        Node(
            "spatial",
            Conv((1, 1), (1, 1), groups, space_pads),
            (read, "q", *with_bias["spatial"]),
            ("y",),
        ),
    )
    used = {name for node in nodes for name in node.inputs}
    weights = {name: v.astype(np.float32) for name, v in constants.items() if name in used}
    return Graph("g", {"x": TensorType((1, N_CHANS, N_TIMES), 2, 1)}, outputs, nodes, weights)


@pytest.mark.parametrize(
    "graph",
    [
        pair(),
        pair(biases=()),
        pair(biases=("temporal",), depth=1),
        pair(biases=("spatial",)),
        pair(temporal=((1, 1), (0, 3, 0, 4))),
        pair(temporal=((1, 1), (0, 9, 0, 2))),
        pair(temporal=((1, 2), (0, 6, 0, 0))),
        pair(n_maps=1, depth=3),
    ],
    ids=["EEGNet", "no bias", "bias over time", "bias over space", "same", "ahead", "stride", "one map"],
)
def test_space_comes_first_and_the_numbers_stay(graph, same_numbers):
    result = commute(graph)
    assert [node.name for node in result.graph.nodes] == ["image", "spatial", "temporal"]
    assert macs(result.graph) < macs(graph)
    same_numbers(graph, result.graph)
    (said,) = result.fired
    assert f"{macs(result.graph):,} multiply-accumulates rather than {macs(graph):,}" in said
    assert result.declined == ()


def test_what_stands_between_gets_a_name_of_its_own():
    after = commute(pair()).graph
    assert "m" not in after.tensors
    assert "m.commuted" in after.tensors


def test_electrodes_may_be_the_last_axis(same_numbers):
    rng = np.random.default_rng(1)
    weights = {"h": rng.uniform(-1, 1, (3, 1, 8, 1)), "q": rng.uniform(-1, 1, (6, 1, 1, N_CHANS))}
    nodes = (
        Node("turn", Transpose((0, 2, 1)), ("x",), ("t",)),
        Node("image", Reshape((1, 1, -1, N_CHANS)), ("t",), ("i",)),
        Node("temporal", Conv((1, 1), (1, 1), 1, (7, 0, 0, 0)), ("i", "h"), ("m",)),
        Node("spatial", Conv((1, 1), (1, 1), 3, (0, 0, 0, 0)), ("m", "q"), ("y",)),
    )
    constants = {name: value.astype(np.float32) for name, value in weights.items()}
    graph = Graph("g", {"x": TensorType((1, N_CHANS, N_TIMES), 2, 1)}, ("y",), nodes, constants)
    result = commute(graph)
    assert [node.name for node in result.graph.nodes][2:] == ["spatial", "temporal"]
    same_numbers(graph, result.graph)


def filtered(taps, biases=()):
    """A filter for each channel, then a spatial filter with fewer outputs."""
    rng = np.random.default_rng(2)
    constants = {"h": taps, "a": rng.uniform(-1, 1, (2, N_CHANS, 1)), "bh": rng.uniform(-1, 1, N_CHANS)}
    nodes = (
        Node("fir", Conv((1,), (1,), N_CHANS, (6, 0)), ("x", "h", *biases), ("m",)),
        Node("montage", Conv(), ("m", "a"), ("y",)),
    )
    used = {name for node in nodes for name in node.inputs}
    weights = {name: v.astype(np.float32) for name, v in constants.items() if name in used}
    return Graph("g", {"x": TensorType((1, N_CHANS, N_TIMES), 2, 1)}, ("y",), nodes, weights)


@pytest.mark.parametrize("biases", [(), ("bh",)])
def test_a_filter_that_is_the_same_for_all_channels_runs_behind_the_montage(biases, same_numbers):
    taps = np.random.default_rng(3).uniform(-1, 1, (1, 1, 7)).repeat(N_CHANS, axis=0)
    graph = filtered(taps, biases)
    result = commute(graph)
    assert [node.name for node in result.graph.nodes] == ["montage", "fir"]
    same_numbers(graph, result.graph)


def test_filters_that_differ_stay_in_front():
    result = commute(filtered(np.random.default_rng(3).uniform(-1, 1, (N_CHANS, 1, 7))))
    assert result.fired == ()
    assert "5 channels that it filters with different taps" in result.declined[0]


RELU = (Node("relu", Relu(), ("m",), ("r",)),)


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (pair(between=RELU, read="r"), None),
        (pair(between=RELU, outputs=("y", "r")), "read by 2 layers"),
        (pair(outputs=("y", "m")), "an output of the model"),
        (pair(groups=1), "3 maps with different taps"),
        (pair(depth=6), "multiply-accumulates rather than"),
        (pair(space_pads=(1, 0, 1, 0)), None),
        (pair(kernels=((1, 8), (3, 1))), None),
        (pair(kernels=((2, 8), (4, 1))), None),
    ],
    ids=["relu", "shared", "output", "mixes", "more work", "pads space", "slides", "2-D"],
)
def test_what_must_not_change_places(graph, reason):
    result = commute(graph)
    assert result.graph.nodes == graph.nodes
    assert result.fired == ()
    assert len(result.declined) == (reason is not None)
    assert all(reason in said for said in result.declined)
