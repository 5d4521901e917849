"""Spiking layer of LIF neurons whose threshold rises as they fire."""

from __future__ import annotations

import torch
from torch import Tensor

from edgeeeg.cells import adaptive_lif
from edgeeeg.cells.firing import Firing
from edgeeeg.layers.spiking_layer import SpikingLayer, Values


class AdaptiveLif(SpikingLayer):
    """LIF neurons that tire, (batch, time, n) to spikes (batch, time, n).

    The semantics are those of `edgeeeg.cells.adaptive_lif`: the neurons of an LSNN (Bellec et al. 2018).
    Their reset comes one step after the spike.

    Parameters
    ----------
    n : neurons.
    beta, threshold : as in `Lif`; the threshold is the one at rest.
    rho : decay of the adaptation at the start, given like beta: it is what the layer remembers longest with.
    b : how far a neuron that always fires lifts its threshold: from 0, one for all neurons, (n,), or the
        lowest and highest of values spread evenly in logarithm.
    learn_beta, learn_threshold, learn_rho, learn_b : whether training changes them.
    reset_mechanism, fires, surrogate : as in `Lif`.

    Raises
    ------
    ModelError
        For an n that is no whole number from 1, values that are not finite or not one per neuron, a decay
        outside [0, 1] or b below 0, or a word that is not defined.
    """

    def __init__(
        self,
        n: int,
        beta: Values = (0.2, 0.95),
        threshold: Values = (0.2, 2.0),
        rho: Values = (0.9, 0.995),
        b: Values = 1.8,
        *,
        learn_beta: bool = True,
        learn_threshold: bool = True,
        learn_rho: bool = True,
        learn_b: bool = False,
        reset_mechanism: str = "subtract",
        fires: str = "above",
        surrogate: str = "arctan",
    ) -> None:
        super().__init__(n, Firing(reset_mechanism, fires=fires, surrogate=surrogate))
        self.add_decay("beta", beta, learn_beta)
        self.add_level("threshold", threshold, learn_threshold)
        self.add_decay("rho", rho, learn_rho)
        self.add_level("b", b, learn_b, least=0.0)

    @property
    def params(self) -> adaptive_lif.AdaptiveLifParams:
        """Decays, threshold and its rise (n,) as the cell takes them."""
        return adaptive_lif.AdaptiveLifParams(
            self.decay("beta"), self.level("threshold"), self.decay("rho"), self.level("b")
        )

    def forward(self, x: Tensor) -> Tensor:
        """Spikes of x from rest."""
        if torch.compiler.is_exporting():
            spikes: Tensor = adaptive_lif.adaptive_lif(x, *self.params, self.firing.reset, self.firing.fires)
            return spikes
        return adaptive_lif.scan(self.params, x, firing=self.firing)[0]
