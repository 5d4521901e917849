"""A constant matrix over the channels is a convolution of one tap, bit for bit, and then part of the next."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.matmul import MatMul
from edgeeeg_export.passes import simplify
from edgeeeg_export.passes.matrix_as_conv import matrix_as_conv
from edgeeeg_export.tensor import TensorType

N_CHANS = 5
COMMON_AVERAGE = (np.eye(N_CHANS) - 1 / N_CHANS).astype(np.float32)


def product(matrix, x=("m", "x"), time_axis=2, rest=(), constants=None):
    nodes = (Node("reference", MatMul(), x, ("r",)), *rest)
    type_ = TensorType((1, N_CHANS, 16), time_axis, 0 if time_axis is None else 1)
    return Graph("g", {"x": type_}, (nodes[-1].outputs[0],), nodes, {"m": matrix, **(constants or {})})


@pytest.mark.parametrize("matrix", [COMMON_AVERAGE, COMMON_AVERAGE[None, :3]], ids=["matrix", "batch of one"])
def test_the_bits_stay(matrix):
    graph = product(matrix)
    result = matrix_as_conv(graph)
    assert [node.op for node in result.graph.nodes] == [Conv()]
    assert f"{matrix.shape[-2]}×{N_CHANS}" in result.fired[0]
    x = {"x": np.random.default_rng(0).uniform(-1, 1, (1, N_CHANS, 16)).astype(np.float32)}
    truth, ours = (reference.run(g, x).tensors["r"] for g in (graph, result.graph))
    np.testing.assert_array_equal(ours.view(np.uint32), truth.view(np.uint32))


@pytest.mark.parametrize(
    "graph",
    [
        product(COMMON_AVERAGE, time_axis=None),
        product(np.ones((2, N_CHANS, N_CHANS), dtype=np.float32)),
        product(np.ones((16, 4), dtype=np.float32), x=("x", "m"), time_axis=1),
    ],
    ids=["no time", "two matrices", "on the right"],
)
def test_other_products_stay(graph):
    assert matrix_as_conv(graph).graph.nodes == graph.nodes


def test_a_common_average_reference_goes_into_the_first_convolution(same_numbers):
    taps = np.random.default_rng(0).uniform(-1, 1, (8, N_CHANS, 4)).astype(np.float32)
    conv = Node("conv", Conv((2,), (1,), 1, (2, 0)), ("r", "w"), ("y",))
    graph = product(COMMON_AVERAGE, rest=(conv,), constants={"w": taps})
    simple = simplify(graph)
    assert [node.name for node in simple.nodes] == ["conv"]
    same_numbers(graph, simple)
