"""What the spiking layers share: values given in three ways, learned or fixed, and one node when exported."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from edgeeeg.errors import ModelError
from edgeeeg.layers.adaptive_lif import AdaptiveLif
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.recurrent_lif import RecurrentLif
from edgeeeg.layers.spiking_layer import SpikingLayer
from edgeeeg.layers.synaptic import Synaptic

N = 5
WORDS = {"reset_mechanism": "zero", "fires": "at", "surrogate": "exponential"}
LAYERS: dict[str, tuple[type[SpikingLayer], dict[str, Any]]] = {
    "lif": (Lif, {"reset_delay": False}),
    "synaptic": (Synaptic, {"reset_delay": False}),
    "recurrent_lif": (RecurrentLif, {"reset_delay": False}),
    "recurrent_lif one to one": (RecurrentLif, {"all_to_all": False, "V": torch.linspace(-1, 1, N)}),
    "adaptive_lif": (AdaptiveLif, {}),
}
EACH = pytest.mark.parametrize("name", LAYERS)


@pytest.fixture
def x() -> torch.Tensor:
    return 1.5 * torch.randn(2, 40, N, generator=torch.Generator().manual_seed(0))


def build(name: str, **options: Any) -> SpikingLayer:
    torch.manual_seed(0)
    layer, own = LAYERS[name]
    return layer(N, **{**WORDS, **own, **options})


@EACH
def test_an_exported_program_keeps_one_node_with_named_semantics(name: str, x: torch.Tensor) -> None:
    layer = build(name)
    program = torch.export.export(layer, (x,))
    operator = getattr(torch.ops.edgeeeg, name.split()[0]).default
    (node,) = (node for node in program.graph.nodes if node.target is operator)
    words = [argument for argument in node.args if not isinstance(argument, torch.fx.Node)]
    delay = [] if name == "adaptive_lif" else [layer.firing.reset_delay]
    assert words == ["zero", *delay, "at"]
    spikes = layer(x)
    assert 0.05 < spikes.mean() < 0.95
    assert torch.equal(program.module()(x), spikes)


@EACH
def test_one_value_may_serve_all_neurons_and_is_learned_as_one(name: str, x: torch.Tensor) -> None:
    layer = build(name, beta=0.75, threshold=0.5)
    params = layer.params  # type: ignore[operator]
    torch.testing.assert_close(params.beta, torch.full((N,), 0.75))
    torch.testing.assert_close(params.threshold, torch.full((N,), 0.5))
    assert layer.beta_logit.shape == layer.threshold.shape == ()  # type: ignore[union-attr]
    layer(x).sum().backward()
    assert layer.threshold.grad is not None  # type: ignore[union-attr]
    assert layer.threshold.grad != 0  # type: ignore[union-attr]


@EACH
def test_what_is_fixed_is_exactly_as_given_and_saved_but_not_learned(name: str) -> None:
    beta = torch.tensor([0.0, 0.1, 0.3, 0.9, 1.0])
    layer = build(name, beta=beta, learn_beta=False, threshold=0.3, learn_threshold=False)
    assert torch.equal(layer.params.beta, beta)  # type: ignore[operator]
    assert {"beta", "threshold"}.isdisjoint(dict(layer.named_parameters()))
    assert torch.equal(layer.state_dict()["beta"], beta)


@EACH
def test_the_surrogate_shapes_the_gradient(name: str, x: torch.Tensor) -> None:
    gradients = []
    for surrogate in ("arctan", "exponential"):
        u = x.clone().requires_grad_()
        build(name, surrogate=surrogate)(u).sum().backward()
        assert u.grad is not None
        gradients.append(u.grad)
    assert not torch.allclose(*gradients)


def test_a_fixed_recurrence_is_not_learned() -> None:
    for all_to_all in (True, False):
        layer = RecurrentLif(N, all_to_all=all_to_all, learn_recurrent=False)
        learned = {name for name, value in layer.named_parameters() if value.requires_grad}
        assert learned == {"beta_logit", "threshold"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beta": 1.5}, r"beta must lie within \[0, 1\]"),
        ({"beta": 1.0}, "use learn_beta=False"),
        ({"beta": torch.zeros(4)}, r"beta has shape \(4,\), expected one value or \(5,\)"),
        ({"threshold": (0.0, 1.0)}, "spread over positive values"),
        ({"reset_mechanism": "soft"}, "reset='soft' is not defined"),
        ({"beta": "x"}, "Lif: beta is 'x'; give one number"),
        ({"beta": None}, "Lif: beta is None; give one number"),
        ({"beta": math.nan}, "Lif: beta holds nan; its values must be finite"),
        ({"beta": (0.1, "x")}, r"Lif: beta\[1\] is 'x'; it must be a finite number"),
        ({"beta": (0.1, 0.2, 0.3)}, "give the lowest and the highest"),
        ({"threshold": math.inf}, "Lif: threshold holds inf; its values must be finite"),
        ({"threshold": torch.tensor([1.0, math.nan, 1.0, 1.0, 1.0])}, "Lif: threshold holds nan"),
        ({"threshold": (0.2, math.inf)}, r"Lif: threshold\[1\] is inf"),
        ({"n": 0}, "Lif: n is 0; it must be a whole number from 1"),
        ({"n": -1}, "Lif: n is -1"),
        ({"n": 2.5}, "Lif: n is 2.5"),
    ],
)
def test_what_a_neuron_cannot_be_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Lif(**{"n": N, **options})


def test_what_the_other_neurons_cannot_be_is_named() -> None:
    with pytest.raises(ModelError, match=r"AdaptiveLif: b is -0\.5; it must be at least 0"):
        AdaptiveLif(N, b=-0.5)
    with pytest.raises(ModelError, match="AdaptiveLif: b holds inf"):
        AdaptiveLif(N, b=math.inf)
    with pytest.raises(ModelError, match="RecurrentLif: V holds nan"):
        RecurrentLif(N, V=math.nan, all_to_all=False)
    with pytest.raises(ModelError, match="V has no effect with all_to_all=True"):
        RecurrentLif(N, V=torch.ones(N))


def test_thresholds_of_zero_and_below_are_legal() -> None:
    layer = Lif(2, beta=0.5, threshold=torch.tensor([0.0, -1.0]), reset_mechanism="none")
    assert layer(torch.zeros(1, 3, 2)).tolist() == [[[0.0, 1.0]] * 3]
