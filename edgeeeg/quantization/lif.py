"""LIF neurons in integers, as `edgeeeg.cells.quantized_lif` defines them (SPEC section 8, item 13)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgeeeg.cells.firing import Firing
from edgeeeg.cells.lif import LifParams
from edgeeeg.cells.quantized_lif import LifFormat, membrane_scale, trained_scan
from edgeeeg.cells.straight_through import straight_through
from edgeeeg.quantization.integers import Integers
from edgeeeg.quantization.state_formats import StateFormats


class LifNeurons(nn.Module):
    """Spikes 0 and 1, (batch, time, n), of which a step is worth 1; decay and threshold are trained through.

    Parameters
    ----------
    firing : reset and surrogate gradient.
    states : of `mem`.
    """

    def __init__(self, firing: Firing, states: StateFormats) -> None:
        super().__init__()
        self.firing, self.states = firing, states

    def forward(self, x: Integers, beta: Tensor, threshold: Tensor) -> Integers:
        """Spikes of x from rest."""
        step = membrane_scale(threshold, self.states.wish("mem"), self.states.width)
        formats = LifFormat(float(x.scale.detach()), step, self.states.width)
        spikes, _ = trained_scan(LifParams(beta, threshold), formats, x.value, firing=self.firing)
        return Integers(straight_through(torch.round(spikes.detach()), spikes), torch.ones(()))
