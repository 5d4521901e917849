"""Spiking layer with a learnable decay and threshold for each neuron."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from edgeeeg.cells import lif


class Lif(nn.Module):
    """Leaky integrate-and-fire neurons, (batch, time, n) to spikes (batch, time, n).

    The semantics are those of `edgeeeg.cells.lif`: reset by subtraction, one step after the spike, strictly
    above the threshold. The decay is sigmoid(`beta_logit`), so it stays within (0, 1) while it is learned.

    Parameters
    ----------
    n : neurons.
    beta : lowest and highest decay at the start; spread evenly, in random order.
    threshold : lowest and highest threshold at the start, spread evenly in logarithm. One spike says only
        that a threshold was passed; a population with many thresholds and decays says how far and how long.
    """

    def __init__(
        self, n: int, beta: tuple[float, float] = (0.2, 0.95), threshold: tuple[float, float] = (0.2, 2.0)
    ) -> None:
        super().__init__()
        self.beta_logit = nn.Parameter(torch.logit(torch.linspace(*beta, n))[torch.randperm(n)])
        self.threshold = nn.Parameter(torch.logspace(math.log10(threshold[0]), math.log10(threshold[1]), n))

    @property
    def params(self) -> lif.LifParams:
        """Decay and threshold (n,) as the cell takes them."""
        return lif.LifParams(torch.sigmoid(self.beta_logit), self.threshold)

    def forward(self, x: Tensor) -> Tensor:
        """Spikes of x from rest."""
        params = self.params
        if torch.compiler.is_exporting():
            spikes: Tensor = lif.lif(x, params.beta, params.threshold, reset="subtract", reset_delay=True)
            return spikes
        return lif.scan(params, x)[0]
