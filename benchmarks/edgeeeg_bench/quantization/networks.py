"""The small networks whose integers are scored: convolutions alone, and convolutions before a recurrence."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgeeeg.layers.bidirectional import Bidirectional
from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.channel_mixing import ChannelMixing
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.layers.time_mixing4 import TimeMixing4

HOP, KERNEL, WIDTH = 8, 32, 16
"""Samples of a frame, samples that its convolution sees, and features of it."""


class FrameNetwork(nn.Module):
    """(batch, 1, n_times) in z to log-odds (batch, n_frames, 1): convolution, batch norm, memory, head.

    Parameters
    ----------
    memory : (batch, n_frames, WIDTH) to (batch, n_frames, width), or to one frame of a whole window.
    width : features of a frame behind the memory.
    """

    def __init__(self, memory: nn.Module, width: int = WIDTH) -> None:
        super().__init__()
        self.n_chans = 1
        self.frames = CausalConv1d(1, WIDTH, KERNEL, stride=HOP, bias=False)
        self.norm = nn.BatchNorm1d(WIDTH)
        self.memory = memory
        self.head = nn.Linear(width, 1)

    def logits(self, x: Tensor) -> Tensor:
        """Log-odds at the end of each hop, from zero state."""
        frames = torch.relu(self.norm(self.frames(x)))
        scores: Tensor = self.head(self.memory(frames.transpose(1, 2)))
        return scores

    def forward(self, x: Tensor) -> Tensor:
        """The log-odds: what is exported."""
        return self.logits(x)


class WindowNetwork(nn.Module):
    """A classifier of whole windows, (batch, 1, n_times) to log-odds (batch, 1), trained as one frame.

    Parameters
    ----------
    classifier : (batch, 1, n_times) to (batch, 1).
    """

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.n_chans = 1
        self.classifier = classifier

    def logits(self, x: Tensor) -> Tensor:
        """Log-odds (batch, 1, 1) of whole windows."""
        scores: Tensor = self.classifier(x)
        return scores[:, None]

    def forward(self, x: Tensor) -> Tensor:
        """Log-odds (batch, 1): what is exported."""
        scores: Tensor = self.classifier(x)
        return scores


class Gru(nn.Module):
    """Hidden states (batch, n_frames, WIDTH) of a GRU from zero, without its final one."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(WIDTH, WIDTH, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Hidden states at each frame of x."""
        hidden: Tensor = self.gru(x)[0]
        return hidden


class Rwkv4Block(nn.Module):
    """x + time mixing of norm(x), then + channel mixing of its norm (Peng et al. 2023, figure 2)."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.time, self.channel = TimeMixing4(WIDTH), ChannelMixing(WIDTH, expand=2)

    def forward(self, x: Tensor) -> Tensor:
        """The block's output for x from an empty memory."""
        mixed = x + self.time(self.first(x))
        y: Tensor = mixed + self.channel(self.second(mixed))
        return y


class WindowMean(nn.Module):
    """One frame for a whole window: the mean of its frames."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, n_frames, width) to (batch, 1, width)."""
        return x.mean(dim=1, keepdim=True)


def bidirectional_mamba() -> nn.Module:
    """Two Mamba blocks over a window, one of them backwards, and the mean over its frames."""
    return nn.Sequential(Bidirectional(MambaBlock(WIDTH), MambaBlock(WIDTH)), WindowMean())
