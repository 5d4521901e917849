"""EpiDeNet: three convolutions over time, then two over electrodes (Ingolfsson et al., arXiv 2309.07135).

Written from the paper's description, not from its authors' code; weights are random.
"""

from __future__ import annotations

import torch
from torch import nn


class EpiDeNet(nn.Module):
    """(batch, n_chans, n_times) in µV to (batch, n_outputs): blocks of convolution, norm, ReLU and pool.

    Parameters
    ----------
    n_chans : int
        Electrodes; the pool behind the fourth block takes four of them together, or all if they are fewer.
    n_times : int
        Samples of a window.
    n_outputs : int
        Classes.
    """

    sfreq = 256.0

    def __init__(self, n_chans: int = 4, n_times: int = 1024, n_outputs: int = 2) -> None:
        super().__init__()
        self.n_chans, self.n_times = n_chans, n_times
        self.blocks = nn.Sequential(
            *_block(1, 4, (1, 4), nn.MaxPool2d((1, 8))),
            *_block(4, 16, (1, 16), nn.MaxPool2d((1, 4))),
            *_block(16, 16, (1, 8), nn.MaxPool2d((1, 4))),
            *_block(16, 16, (16, 1), nn.MaxPool2d((min(4, n_chans), 1))),
            *_block(16, 16, (8, 1), nn.AdaptiveAvgPool2d(1)),
        )
        self.head = nn.Linear(16, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Classify whole windows."""
        y: torch.Tensor = self.head(self.blocks(x.unsqueeze(1)).flatten(1))
        return y


def _block(n_in: int, n_out: int, kernel: tuple[int, int], pool: nn.Module) -> tuple[nn.Module, ...]:
    """Keras' `same` padding: the odd one of an even kernel's zeros lies behind."""
    height, width = kernel[0] - 1, kernel[1] - 1
    padding = nn.ZeroPad2d((width // 2, width - width // 2, height // 2, height - height // 2))
    return padding, nn.Conv2d(n_in, n_out, kernel), nn.BatchNorm2d(n_out), nn.ReLU(), pool
