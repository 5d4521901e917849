"""The plain recurrent classifier: an LSTM over a window, read at its last step."""

from __future__ import annotations

import torch
from torch import nn


class WindowLstm(nn.Module):
    """(batch, n_chans, n_times) in µV to (batch, n_outputs)."""

    sfreq = 256.0

    def __init__(self, n_chans: int = 22, n_times: int = 256, hidden: int = 32, n_outputs: int = 4) -> None:
        super().__init__()
        self.n_chans, self.n_times = n_chans, n_times
        self.recurrent = nn.LSTM(n_chans, hidden, batch_first=True)
        self.head = nn.Linear(hidden, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Classify by the last step's hidden state."""
        hidden, _ = self.recurrent(x.transpose(1, 2))
        y: torch.Tensor = self.head(hidden[:, -1])
        return y
