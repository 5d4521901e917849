"""A CRNN: convolutions over time and electrodes shorten the window, a GRU or LSTM reads what is left."""

from __future__ import annotations

import torch
from torch import nn


class Crnn(nn.Module):
    """(batch, n_chans, n_times) in µV to (batch, n_outputs), by the last step of the recurrence."""

    sfreq = 256.0

    def __init__(
        self,
        n_chans: int = 22,
        n_times: int = 256,
        n_outputs: int = 4,
        cell: type[nn.GRU] | type[nn.LSTM] = nn.GRU,
    ) -> None:
        super().__init__()
        self.n_chans, self.n_times = n_chans, n_times
        self.convolution = nn.Sequential(
            nn.Conv1d(n_chans, 32, 9, padding=4),
            nn.BatchNorm1d(32),
            nn.ELU(),
            nn.MaxPool1d(4),
            nn.Conv1d(32, 32, 5, padding=2),
            nn.BatchNorm1d(32),
            nn.ELU(),
            nn.MaxPool1d(4),
        )
        self.recurrent = cell(32, 32, batch_first=True)
        self.head = nn.Linear(32, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Classify whole windows."""
        hidden, _ = self.recurrent(self.convolution(x).transpose(1, 2))
        y: torch.Tensor = self.head(hidden[:, -1])
        return y
