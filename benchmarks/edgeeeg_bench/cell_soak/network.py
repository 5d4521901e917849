"""The layers of the cell soak, each behind a mean over hops of 8 samples, with seeded weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from edgeeeg.layers.mamba import MambaBlock

N_CHANS, HOP = 3, 8

LAYERS: Mapping[str, Callable[[int], nn.Module]] = {
    "Mamba": lambda width: MambaBlock(width, d_state=4),
}
"""Layers (batch, time, width) to the same shape, as they are made."""


class LayerNetwork(nn.Module):
    """Samples (batch, 3, n_times) to frames of their means over 8, and those through one layer.

    Nothing limits what the layer is fed.
    """

    n_chans, sfreq = N_CHANS, 256.0

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.frames = nn.AvgPool1d(HOP)
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (batch, n_times / 8, 3)."""
        outputs: Tensor = self.layer(self.frames(x).transpose(1, 2))
        return outputs


def layer_network(kind: str, seed: int) -> LayerNetwork:
    """The network of one layer, with weights of the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LayerNetwork(LAYERS[kind](N_CHANS)).eval()
