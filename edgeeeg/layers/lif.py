"""Spiking layer with a learnable decay and threshold for each neuron."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgeeeg.cells import lif


class Lif(nn.Module):
    """Leaky integrate-and-fire neurons, (batch, time, n) to spikes (batch, time, n).

    The semantics are those of `edgeeeg.cells.lif`: reset by subtraction, one step after the spike, strictly
    above the threshold. The decay is sigmoid(`beta_logit`), so it stays within (0, 1) while it is learned.
    """

    def __init__(self, n: int, beta: float = 0.8, threshold: float = 1.0) -> None:
        super().__init__()
        self.beta_logit = nn.Parameter(torch.logit(torch.full((n,), beta)))
        self.threshold = nn.Parameter(torch.full((n,), threshold))

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
