"""Two convolutions become one where that is the same and saves work: the padding in between is the trap."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export.errors import GraphError
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.passes.compose import compose
from edgeeeg_export.passes.rewriting import macs
from edgeeeg_export.tensor import TensorType

N_CHANS, N_TIMES = 6, 48


def pair(
    first, second, shapes, biases=("b1", "b2"), between=(), outputs=("y",), read="m", image=None, seed=0
):
    rng = np.random.default_rng(seed)
    constants = {
        "w1": rng.uniform(-1, 1, shapes[0]),
        "w2": rng.uniform(-1, 1, shapes[1]),
        "b1": rng.uniform(-1, 1, shapes[0][0]),
        "b2": rng.uniform(-1, 1, shapes[1][0]),
    }
    one, two = (tuple(name for name in biases if name == wanted) for wanted in ("b1", "b2"))
    nodes = (
        Node("image", Reshape((1, N_CHANS, -1) if image is None else image), ("x",), ("i",)),
        Node("first", first, ("i", "w1", *one), ("m",)),
        *between,
        Node("second", second, (read, "w2", *two), ("y",)),
    )
    used = {name for node in nodes for name in node.inputs}
    weights = {name: value.astype(np.float32) for name, value in constants.items() if name in used}
    return Graph("g", {"x": TensorType((1, N_CHANS, N_TIMES), 2, 1)}, outputs, nodes, weights)


def montage(second, taps=(4, N_CHANS, 5), **options):
    return pair(Conv(), second, ((N_CHANS, N_CHANS, 1), taps), **options)


@pytest.mark.parametrize(
    "graph",
    [
        montage(Conv()),
        montage(Conv((2,), (3,), 1, (0, 0))),
        montage(Conv((1,), (1,), 1, (4, 0)), biases=("b2",)),
        montage(Conv((1,), (1,), 1, (2, 2)), biases=()),
        pair(
            Conv((1, 1), (1, 1), 1, (0, 7, 0, 0)),
            Conv((1, 1), (1, 1), 1, (0, 0, 0, 0)),
            ((8, 1, 1, 8), (8, 8, N_CHANS, 1)),
            image=(1, 1, N_CHANS, -1),
        ),
        # a filter before a convolution that moves by eight samples at once
        pair(Conv((1,), (1,), 6, (4, 0)), Conv((8,)), ((6, 1, 5), (1, 6, 8)), biases=("b1",)),
        # filters of one group each, both causal
        pair(
            Conv((1,), (1,), 6, (3, 0)), Conv((1,), (1,), 6, (4, 0)), ((6, 1, 4), (6, 1, 5)), biases=("b2",)
        ),
        pair(Conv((1,), (1,), 6, (0, 3)), Conv((1,), (1,), 6, (0, 4)), ((6, 1, 4), (6, 1, 5)), biases=()),
        # a gain for each channel in front of two groups
        pair(Conv((1,), (1,), 6), Conv((1,), (2,), 2, (8, 0)), ((6, 1, 1), (6, 3, 5)), biases=("b2",)),
        pair(Conv((2,), (1,), 1, (0, 0)), Conv((2,)), ((6, 6, 1), (2, 6, 3))),
    ],
    ids=[
        *("montage", "strided, dilated", "causal", "centred", "ShallowFBCSPNet", "filter and stride"),
        *("two filters", "two that look ahead", "groups", "strides"),
    ],
)
def test_one_takes_the_place_of_two_and_the_numbers_stay(graph, same_numbers):
    result = compose(graph)
    assert result.declined == ()
    assert [node.name for node in result.graph.nodes] == ["image", "second"]
    assert macs(result.graph) < macs(graph)
    same_numbers(graph, result.graph)


def test_every_pair_of_random_geometry_that_fires_keeps_its_numbers(same_numbers):
    rng, fired, declined = np.random.default_rng(0), 0, set()
    for seed in range(400):
        g1, g2 = rng.choice([1, 2, 3, 6], 2)
        kernels, strides = rng.integers(1, 5, 2), rng.choice([1, 1, 2, 4], 2)
        dilations, pads = rng.integers(1, 3, 2), rng.integers(0, 5, 4) * rng.integers(0, 2, 4)
        maps, n_out = 6, 6 * int(rng.integers(1, 3)) // (1 if g2 > 1 else int(rng.choice([1, 3])))
        one, two = (
            Conv(
                (int(strides[k]),),
                (int(dilations[k]),),
                int(g),
                tuple(int(p) for p in pads[2 * k : 2 * k + 2]),
            )
            for k, g in enumerate((g1, g2))
        )
        shapes = ((maps, N_CHANS // g1, kernels[0]), (n_out, maps // g2, kernels[1]))
        biases = tuple(name for name in ("b1", "b2") if rng.integers(2))
        try:
            graph = pair(one, two, shapes, biases, seed=seed)
        except GraphError:  # fewer frames than the second sees at once
            continue
        result = compose(graph)
        fired += bool(result.fired)
        declined.update(reason.split(": ")[-1].split(" ")[0] for reason in result.declined)
        same_numbers(graph, result.graph, seed)
    assert fired > 20
    assert {"one", "it"} <= declined  # counted, and padding


RELU = (Node("relu", Relu(), ("m",), ("r",)),)
FIR = ((6, 1, 4), (6, 1, 5))


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (montage(Conv(), between=RELU, read="r"), None),
        (montage(Conv(), between=RELU, outputs=("y", "r")), "read by 2 layers"),
        (montage(Conv(), outputs=("y", "m")), "an output of the model"),
        (montage(Conv((1,), (1,), 1, (4, 0))), "where that has a bias"),
        (
            pair(Conv((1,), (1,), 6, (2, 0)), Conv((1,), (1,), 6, (4, 0)), FIR, biases=()),
            "would still see samples",
        ),
        (
            pair(Conv((1,), (1,), 6, (3, 0)), Conv((1,), (1,), 6, (0, 1)), FIR, biases=()),
            "would still see samples",
        ),
        (pair(Conv((1,), (1,), 6), Conv(), ((6, 1, 9), (4, 6, 9))), "multiply-accumulates"),
        # fewer products, but nine times the weights
        (
            pair(
                Conv((1, 1), (1, 1), 1, (0, 0, 0, 0)),
                Conv((1, 1), (1, 1), 1, (0, 0, 0, 0)),
                ((2, 1, 1, 32), (2, 2, N_CHANS, 1)),
                image=(1, 1, N_CHANS, -1),
            ),
            "384 weights",
        ),
    ],
    ids=["relu", "shared", "output", "bias and padding", "past", "future", "more work", "more weights"],
)
def test_what_must_not_merge(graph, reason):
    result = compose(graph)
    assert result.graph.nodes == graph.nodes
    assert len(result.declined) == (reason is not None)
    assert all(reason in said for said in result.declined)
