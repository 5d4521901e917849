"""Dense layers behind spikes become event-driven, with the same bits; what would change a bit stays dense."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.kernels.kernel import FAMILIES
from edgeeeg_export.ops.event_kernels import break_even
from edgeeeg_export.ops.event_linear import EventLinear
from edgeeeg_export.ops.lif import Lif
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.passes.event_driven import event_driven
from edgeeeg_export.tensor import TensorType

RNG = np.random.default_rng(3)
FRAMES, K, N = 24, 32, 12


def graph(*between, bias=None):
    """LIF neurons, what stands between, a dense layer."""
    constants = {
        "beta": np.full(K, 0.9, np.float32),
        "threshold": np.full(K, 0.8, np.float32),
        "weight": RNG.standard_normal((K, N)).astype(np.float32),
        "bias": RNG.standard_normal(N).astype(np.float32) if bias is None else bias,
    }
    nodes = [Node("lif", Lif(), ("x", "beta", "threshold"), ("s",))]
    for number, op in enumerate(between):
        nodes.append(Node(f"between{number}", op, (nodes[-1].outputs[0],), (f"b{number}",)))
    nodes.append(Node("dense", Linear(), (nodes[-1].outputs[0], "weight", "bias"), ("y",)))
    return Graph("g", {"x": TensorType((1, FRAMES, K), 1, 1)}, ("y",), tuple(nodes), constants)


def test_the_layer_behind_neurons_adds_weights_and_keeps_its_bits():
    before = graph()
    after = event_driven(before)
    assert isinstance(after.graph.nodes[-1].op, EventLinear)
    (said,) = after.fired
    assert "adds the weights of neurons that fired" in said
    x = {"x": RNG.uniform(0, 0.6, (1, FRAMES, K)).astype(np.float32)}
    found, truth = (reference.run(each, x).tensors["y"] for each in (after.graph, before))
    np.testing.assert_array_equal(found.view(np.uint32), truth.view(np.uint32))


def test_what_is_no_spike_any_more_stays_dense():
    assert event_driven(graph(Relu())).graph.nodes[-1].op == Linear()


def test_a_bias_of_negative_zero_stays_dense_and_is_said():
    result = event_driven(graph(bias=np.full(N, -0.0, np.float32)))
    assert result.graph.nodes[-1].op == Linear()
    assert any("a bias of -0" in line for line in result.declined)


@pytest.mark.parametrize("family", FAMILIES)
def test_floats_of_whole_tiles_are_multiplied_only_when_nearly_all_neurons_fire(family):
    types = (TensorType((1, 1, 64), 1, 1), TensorType((64, 64)), TensorType((64,)))
    assert 0.9 * 64 < break_even(EventLinear().dense(types), family) <= 64
