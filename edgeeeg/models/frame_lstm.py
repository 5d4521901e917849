"""A plain recurrent detector, as the field trains many: convolution to frames, LSTM, linear head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgeeeg.layers.causal_conv import CausalConv1d


class FrameLstm(nn.Module):
    """EEG (batch, 1, n_times) to probabilities (batch, n_times / hop, 1), one for each hop of 8 samples.

    Nothing keeps its memory within what training has shown it: the case that docs/audit.md works through.

    Parameters
    ----------
    input_scale : input units that count as 1 inside.
    n_filters, hidden : width of the convolution and of the recurrent layer.
    """

    def __init__(self, input_scale: float = 1.0, n_filters: int = 16, hidden: int = 24) -> None:
        super().__init__()
        self.n_chans, self.hop, self.input_scale = 1, 8, input_scale
        self.frames = CausalConv1d(1, n_filters, 32, stride=self.hop)
        self.memory = nn.LSTM(n_filters, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def logits(self, x: Tensor) -> Tensor:
        """Log-odds (batch, n_frames, 1): what training works on."""
        frames = torch.relu(self.frames(x * (1.0 / self.input_scale)))
        memory, _ = self.memory(frames.transpose(1, 2))
        scores: Tensor = self.head(memory)
        return scores

    def forward(self, x: Tensor) -> Tensor:
        """Probability at the end of each hop, from zero state."""
        return torch.sigmoid(self.logits(x))
