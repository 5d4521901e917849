"""Powers of two go into thresholds without a single spike that differs; other factors stay."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.div import Div
from edgeeeg_export.ops.lif import Lif
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.neg import Neg
from edgeeeg_export.passes.scale_threshold import scale_threshold
from edgeeeg_export.tensor import TensorType

N = 4
THRESHOLD = np.array([0.3, 0.5, 0.7, 0.11], dtype=np.float32)


def spiking(op, factor, outputs=("y",), threshold=THRESHOLD):
    constants = {"beta": np.full(N, 0.9, dtype=np.float32), "threshold": threshold}
    operands = ("x",) if factor is None else ("x", "factor")
    if factor is not None:
        constants["factor"] = np.asarray(factor, dtype=np.float32)
    nodes = (
        Node("scale", op, operands, ("s",)),
        Node("lif", Lif(), ("s", "beta", "threshold"), ("y",), "lif"),
    )
    return Graph("g", {"x": TensorType((1, 500, N), 1, 1)}, outputs, nodes, constants)


@pytest.mark.parametrize(
    ("op", "factor"), [(Mul(), 0.25), (Mul(), [2.0, 0.5, 1.0, 8.0]), (Div(), [[4.0, 2.0, 1.0, 0.5]])]
)
def test_every_spike_stays(op, factor):
    graph = spiking(op, factor)
    result = scale_threshold(graph)
    assert [node.op.kind for node in result.graph.nodes] == ["Lif"]
    x = {"x": np.random.default_rng(0).uniform(-1, 2, (1, 500, N)).astype(np.float32)}
    truth, ours = (reference.run(g, x).tensors["y"] for g in (graph, result.graph))
    assert 100 < truth.sum() < truth.size - 100
    np.testing.assert_array_equal(ours, truth)


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (spiking(Mul(), 3.0), "not powers of two"),
        (spiking(Mul(), [2.0, 1.0, 0.3, 1.0]), "not powers of two"),
        (spiking(Neg(), None), "turns the threshold around"),
        (spiking(Mul(), 0.0), "turns the threshold around"),
        (spiking(Add(), 0.5), "charges the membrane"),
        (spiking(Mul(), 2.0, outputs=("y", "s")), "an output of the model"),
        (spiking(Mul(), 2.0**-100, threshold=THRESHOLD * np.float32(1e10)), "range of float32"),
    ],
    ids=["three", "one of them", "negative", "zero", "offset", "output", "overflow"],
)
def test_what_stays(graph, reason):
    result = scale_threshold(graph)
    assert result.graph.nodes == graph.nodes
    assert reason in result.declined[0]
