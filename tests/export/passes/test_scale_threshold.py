"""Powers of two go into thresholds without a single spike that differs; other factors stay."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.adaptive_lif import AdaptiveLif
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.div import Div
from edgeeeg_export.ops.lif import Lif
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.neg import Neg
from edgeeeg_export.ops.recurrent_lif import RecurrentLif
from edgeeeg_export.ops.synaptic import Synaptic
from edgeeeg_export.passes.scale_threshold import scale_threshold
from edgeeeg_export.tensor import TensorType

N = 4
THRESHOLD = np.array([0.3, 0.5, 0.7, 0.11], dtype=np.float32)


def spiking(op, factor, outputs=("y",), threshold=THRESHOLD, neurons=None):
    neurons = neurons or Lif()
    ramp = np.linspace(0.1, 0.9, N, dtype=np.float32)
    every = {
        "beta": np.full(N, 0.9, dtype=np.float32),
        "threshold": threshold,
        "alpha": ramp,
        "V": np.outer(ramp, 1 - ramp),
        "bias": -ramp,
        "rho": ramp,
        "b": 1 + ramp,
    }
    constants = {name: every[name] for name in neurons.operands if name in every}
    operands = ("x",) if factor is None else ("x", "factor")
    nodes = (
        Node("scale", op, operands, ("s",)),
        Node("neurons", neurons, ("s", *constants), ("y",), "neurons"),
    )
    if factor is not None:
        constants["factor"] = np.asarray(factor, dtype=np.float32)
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
    ("kind", "delay"), [*product((Lif, Synaptic, RecurrentLif), (True, False)), (AdaptiveLif, True)]
)
@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
@pytest.mark.parametrize("fires", ["above", "at"])
def test_every_neuron_keeps_its_spikes(kind, reset, delay, fires):
    graph = spiking(Mul(), [0.5, 4.0, 1.0, 0.25], neurons=kind(reset, delay, fires))
    result = scale_threshold(graph)
    assert [node.op.kind for node in result.graph.nodes] == [kind.__name__]
    x = {"x": np.random.default_rng(0).uniform(-1.3, 1.5, (1, 500, N)).astype(np.float32)}
    truth, ours = (reference.run(g, x).tensors["y"] for g in (graph, result.graph))
    assert 0.01 < truth.mean() < 0.99
    np.testing.assert_array_equal(ours, truth)


def test_weights_that_the_model_computes_stay():
    graph = spiking(Mul(), 2.0, neurons=RecurrentLif())
    inputs = {**graph.inputs, "V": TensorType((N, N))}
    constants = {name: value for name, value in graph.constants.items() if name != "V"}
    graph = replace(graph, inputs=inputs, constants=constants)
    assert scale_threshold(graph).graph.nodes == graph.nodes


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
