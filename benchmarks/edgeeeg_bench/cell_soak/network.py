"""The layers of the cell soak, each behind means over hops of 8 samples, with seeded weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from edgeeeg.layers.linear_attention import LinearAttention
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.layers.s4d import S4d
from edgeeeg.layers.time_mixing4 import TimeMixing4
from edgeeeg.layers.time_mixing6 import TimeMixing6

N_CHANS, WIDTH, HOP = 3, 8, 8

LAYERS: Mapping[str, Callable[[], nn.Module]] = {
    "Mamba": lambda: MambaBlock(WIDTH, d_state=4),
    "S4D": lambda: S4d(WIDTH, d_state=8),
    "RWKV-4": lambda: TimeMixing4(WIDTH),
    "RWKV-6": lambda: TimeMixing6(WIDTH, head_size=4, mix_rank=4, decay_rank=4),
    "linear attention": lambda: LinearAttention(WIDTH, heads=2),
}
"""Layers (batch, time, 8) to the same shape, as they are made."""


class LayerNetwork(nn.Module):
    """Samples (batch, 3, n_times) to their means over 8, those to 8 features, and these through one layer.

    Parameters
    ----------
    layer : (batch, time, 8) to the same shape.
    normalized : whether a layer norm stands before it, as in the published blocks; without one the layer is
        fed whatever comes in.
    """

    n_chans, sfreq = N_CHANS, 256.0

    def __init__(self, layer: nn.Module, normalized: bool) -> None:
        super().__init__()
        self.means = nn.AvgPool1d(HOP)
        self.mix = nn.Linear(N_CHANS, WIDTH, bias=False)
        self.norm = nn.LayerNorm(WIDTH) if normalized else nn.Identity()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (batch, n_times / 8, 8)."""
        outputs: Tensor = self.layer(self.norm(self.mix(self.means(x).transpose(1, 2))))
        return outputs


def layer_network(kind: str, normalized: bool, seed: int) -> LayerNetwork:
    """The network of one layer, with weights of the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LayerNetwork(LAYERS[kind](), normalized).eval()
