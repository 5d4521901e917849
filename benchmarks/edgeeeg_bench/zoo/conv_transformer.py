"""An attention model in the manner of EEG Conformer (Song et al. 2023): patches of EEG, then self-attention.

Smaller than theirs (8 maps, 2 heads, one layer), and untrained.
"""

from __future__ import annotations

import torch
from torch import nn


class ConvTransformer(nn.Module):
    """(batch, n_chans, n_times) in µV to (batch, n_outputs): tokens of 16 samples attend to each other."""

    sfreq = 256.0

    def __init__(self, n_chans: int = 22, n_times: int = 256, width: int = 16, n_outputs: int = 4) -> None:
        super().__init__()
        self.n_chans, self.n_times = n_chans, n_times
        self.temporal = nn.Conv2d(1, 8, (1, 25), padding=(0, 12))
        self.spatial = nn.Conv2d(8, width, (n_chans, 1))
        self.norm = nn.BatchNorm2d(width)
        self.pool = nn.AvgPool2d((1, 16))
        self.first = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.second = nn.LayerNorm(width)
        self.dense = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.head = nn.Linear(width, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Classify whole windows by the mean of their tokens."""
        maps = self.pool(torch.nn.functional.elu(self.norm(self.spatial(self.temporal(x.unsqueeze(1))))))
        tokens = maps.squeeze(2).transpose(1, 2)  # (batch, n_times / 16, width)
        query = self.first(tokens)
        tokens = tokens + self.attention(query, query, query, need_weights=False)[0]
        tokens = tokens + self.dense(self.second(tokens))
        y: torch.Tensor = self.head(tokens.mean(dim=1))
        return y
