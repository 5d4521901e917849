"""Spiking layer of LIF neurons with a synaptic current."""

from __future__ import annotations

import torch
from torch import Tensor

from edgeeeg.cells import synaptic
from edgeeeg.cells.firing import Firing
from edgeeeg.layers.spiking_layer import SpikingLayer, Values


class Synaptic(SpikingLayer):
    """LIF neurons behind a current that decays too, (batch, time, n) to spikes (batch, time, n).

    The semantics are those of `edgeeeg.cells.synaptic`, which are `snntorch.Synaptic`'s.

    Parameters
    ----------
    n : neurons.
    alpha, beta : decays of the current and of the membrane at the start, as in `Lif`.
    threshold : as in `Lif`.
    learn_alpha, learn_beta, learn_threshold : whether training changes them.
    reset_mechanism, reset_delay, fires, surrogate : as in `Lif`.

    Raises
    ------
    ModelError
        For an n that is no whole number from 1, values that are not finite or not one per neuron, a decay
        outside [0, 1], or a word that is not defined.
    """

    def __init__(
        self,
        n: int,
        alpha: Values = (0.2, 0.95),
        beta: Values = (0.2, 0.95),
        threshold: Values = (0.2, 2.0),
        *,
        learn_alpha: bool = True,
        learn_beta: bool = True,
        learn_threshold: bool = True,
        reset_mechanism: str = "subtract",
        reset_delay: bool = True,
        fires: str = "above",
        surrogate: str = "arctan",
    ) -> None:
        super().__init__(n, Firing(reset_mechanism, reset_delay, fires, surrogate))
        self.add_decay("alpha", alpha, learn_alpha)
        self.add_decay("beta", beta, learn_beta)
        self.add_level("threshold", threshold, learn_threshold)

    @property
    def params(self) -> synaptic.SynapticParams:
        """Decays and threshold (n,) as the cell takes them."""
        return synaptic.SynapticParams(self.decay("alpha"), self.decay("beta"), self.level("threshold"))

    def forward(self, x: Tensor) -> Tensor:
        """Spikes of x from rest."""
        if torch.compiler.is_exporting():
            firing = self.firing
            spikes: Tensor = synaptic.synaptic(
                x, *self.params, firing.reset, firing.reset_delay, firing.fires
            )
            return spikes
        return synaptic.scan(self.params, x, firing=self.firing)[0]
