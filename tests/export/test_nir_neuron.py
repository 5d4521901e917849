"""NIR's spiking nodes in steps: decays, gains and what the metadata must say."""

from __future__ import annotations

from dataclasses import replace

import nir
import numpy as np
import pytest
import torch

from edgeeeg_export.errors import CaptureError
from edgeeeg_export.neuron import Neuron
from edgeeeg_export.nir_neuron import read_node, require_finite, write_node
from edgeeeg_export.nir_steps import InSteps

TIME = InSteps(1 / 256)
GIVEN = {"dt": 0.25, "discretization": "forward_euler", "reset": "zero", "reset_delay": False}


def lif_node(metadata=None, **changed):
    values = {"tau": [1.0, 2.0], "r": [4.0, 8.0], "v_leak": [0.0] * 2, "v_threshold": [1.0, 3.0]} | changed
    return nir.LIF(**{name: np.array(value) for name, value in values.items()}, metadata=metadata or {})


@pytest.mark.parametrize(
    ("discretization", "beta"), [("forward_euler", 0.75), ("exponential", np.exp(-0.25))]
)
def test_a_time_constant_becomes_a_decay(discretization, beta):
    neuron, gain = read_node("n", lif_node(), (2,), GIVEN | {"discretization": discretization})
    assert neuron.beta[0].item() == np.float32(beta)
    np.testing.assert_allclose(gain[0], 4 * (1 - beta), rtol=1e-6)
    assert (neuron.kind, neuron.reset, neuron.reset_delay, neuron.fires) == ("Leaky", "zero", False, "above")


def test_a_synaptic_current_has_the_gains_of_both_equations():
    node = nir.CubaLIF(
        tau_syn=np.array([0.5]), tau_mem=np.array([1.0]), r=np.array([6.0]), v_leak=np.zeros(1),
        v_threshold=np.ones(1), w_in=np.array([3.0]),
    )  # fmt: skip
    neuron, gain = read_node("n", node, (1,), GIVEN)
    assert (neuron.alpha.item(), neuron.beta.item()) == (0.5, 0.75)
    assert gain.item() == 6.0 * 0.25 * 3.0 * 0.5


def test_an_integrator_without_leak():
    neuron, gain = read_node("n", nir.IF(r=np.array([8.0]), v_threshold=np.ones(1)), (1,), GIVEN)
    assert (neuron.beta.item(), gain.item()) == (1.0, 2.0)


@pytest.mark.parametrize("discretization", ["forward_euler", "exponential"])
def test_decays_come_back_to_the_last_bit(discretization):
    rng = np.random.default_rng(0)
    beta = torch.from_numpy(rng.uniform(0.001, 0.999, 500).astype(np.float32))
    alpha = torch.from_numpy(rng.uniform(0.001, 0.999, 500).astype(np.float32))
    threshold = torch.from_numpy(rng.uniform(0.1, 2.0, 500).astype(np.float32))
    for neuron in (
        Neuron("n", "Leaky", beta, threshold, "subtract", True, "at"),
        Neuron("n", "Synaptic", beta, threshold, "none", False, "above", alpha=alpha),
    ):
        node = write_node(
            neuron, (500,), np.ones(500, np.float32), replace(TIME, discretization=discretization)
        )
        back, gain = read_node("n", node, (500,), {})
        assert torch.equal(back.beta, beta)
        assert torch.equal(back.threshold, threshold)
        assert (gain == 1).all()
        assert (back.reset, back.reset_delay, back.fires) == (neuron.reset, neuron.reset_delay, neuron.fires)
        assert neuron.alpha is None or torch.equal(back.alpha, alpha)


def test_decays_of_one_are_integrators_and_a_few_of_them_are_refused():
    ones = torch.ones(2)
    whole = Neuron("n", "Leaky", ones, ones, "zero", False, "above")
    assert isinstance(write_node(whole, (2,), np.ones(2, np.float32), TIME), nir.IF)
    with pytest.raises(CaptureError, match="decay of 1, which no time constant"):
        write_node(replace(whole, beta=torch.tensor([1.0, 0.5])), (2,), np.ones(2, np.float32), TIME)


@pytest.mark.parametrize(
    ("node", "given", "reason"),
    [
        (lif_node(v_reset=[0.5, 0.0]), GIVEN, "resets to v_reset other than 0"),
        (lif_node(v_leak=[0.5, 0.0]), GIVEN, "leaks to v_leak other than 0"),
        (lif_node(), GIVEN | {"dt": 2.5}, "time constant of 1 s, too short for steps of 2.5 s"),
        (lif_node(tau=[1.0, -2.0]), GIVEN, "time constant of -2 s, and time constants are above 0"),
        (lif_node(tau=[1.0, np.nan]), GIVEN, "time constant of nan s, and time constants are above 0"),
        (lif_node(r=[1e200, 1.0]), GIVEN, r"a parameter of 2.5e\+199, too large for float32"),
        (lif_node(), GIVEN | {"dt": -1.0}, r"NIR: dt=-1.0 is no time in s above 0"),
        (lif_node(), GIVEN | {"reset": "soft"}, "reset='soft' is not one of subtract, zero, none"),
        (nir.Threshold(np.ones(2)), GIVEN, r"\(Threshold\) is no neuron here"),
    ],
)
def test_what_no_cell_does_is_refused(node, given, reason):
    with pytest.raises(CaptureError, match=reason):
        read_node("n", node, (2,), given)


def test_parameters_must_suit_the_features():
    with pytest.raises(CaptureError, match=r"parameters of shape \(2,\) and is given features \(3,\)"):
        read_node("n", lif_node(), (3,), GIVEN)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1e39])
@pytest.mark.parametrize("name", ["tau", "r", "v_threshold"])
def test_values_that_no_float32_is_are_named(name, bad):
    with pytest.raises(CaptureError, match=f"the node has values in {name} that are NaN, infinite or too"):
        require_finite("the node", lif_node(**{name: [1.0, bad]}))
    require_finite("the node", lif_node(**{name: [1.0, 1e38]}))


def test_values_within_a_graph_of_its_own_are_found():
    ends = {"in": nir.Input(np.array([2])), "out": nir.Output(np.array([2]))}
    graph = nir.NIRGraph({**ends, "lif": lif_node(r=[1.0, np.nan])}, [("in", "lif"), ("lif", "out")])
    with pytest.raises(CaptureError, match="the graph, node 'lif', has values in r"):
        require_finite("the graph", graph)
