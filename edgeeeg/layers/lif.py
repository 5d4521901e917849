"""Spiking layer of leaky integrate-and-fire neurons."""

from __future__ import annotations

import torch
from torch import Tensor

from edgeeeg.cells import lif
from edgeeeg.cells.firing import Firing
from edgeeeg.layers.spiking_layer import SpikingLayer, Values


class Lif(SpikingLayer):
    """Leaky integrate-and-fire neurons, (batch, time, n) to spikes (batch, time, n).

    The semantics are those of `edgeeeg.cells.lif`, which are `snntorch.Leaky`'s. A decay that is learned is
    sigmoid(`beta_logit`), so it stays within (0, 1).

    Parameters
    ----------
    n : neurons.
    beta : decay of the membrane at the start: one for all neurons, (n,), or the lowest and highest of values
        spread evenly, in random order.
    threshold : likewise, spread evenly in logarithm. One spike says only that a threshold was passed; a
        population with many thresholds and decays says how far and how long.
        Any finite value is legal, 0 and below too: below 0 a neuron fires at rest.
    learn_beta, learn_threshold : whether training changes them.
    reset_mechanism : 'subtract', 'zero' or 'none'.
    reset_delay : whether the reset comes one step after the spike.
    fires : 'above' the threshold, or 'at' it already.
    surrogate : 'arctan', 'fast_sigmoid' or 'exponential'.

    Raises
    ------
    ModelError
        For an n that is no whole number from 1, values that are not finite or not one per neuron, a decay
        outside [0, 1], or a word that is none of these.
    """

    def __init__(
        self,
        n: int,
        beta: Values = (0.2, 0.95),
        threshold: Values = (0.2, 2.0),
        *,
        learn_beta: bool = True,
        learn_threshold: bool = True,
        reset_mechanism: str = "subtract",
        reset_delay: bool = True,
        fires: str = "above",
        surrogate: str = "arctan",
    ) -> None:
        super().__init__(n, Firing(reset_mechanism, reset_delay, fires, surrogate))
        self.add_decay("beta", beta, learn_beta)
        self.add_level("threshold", threshold, learn_threshold)

    @property
    def params(self) -> lif.LifParams:
        """Decay and threshold (n,) as the cell takes them."""
        return lif.LifParams(self.decay("beta"), self.level("threshold"))

    def forward(self, x: Tensor) -> Tensor:
        """Spikes of x from rest."""
        if torch.compiler.is_exporting():
            firing = self.firing
            spikes: Tensor = lif.lif(x, *self.params, firing.reset, firing.reset_delay, firing.fires)
            return spikes
        return lif.scan(self.params, x, firing=self.firing)[0]
