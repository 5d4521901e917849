"""Small networks that are trained in integers: convolutions, gates, and recurrences of every kind."""

from __future__ import annotations

import torch
from torch import nn

from edgeeeg.layers.bidirectional import Bidirectional
from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.channel_mixing import ChannelMixing
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.layers.time_mixing4 import TimeMixing4

N_CHANS, N_TIMES = 4, 192


class EegNet(nn.Module):
    """Temporal, spatial and separable convolutions, batch norms, ELU, average pools, and a dense head."""

    n_chans, n_times, sfreq = N_CHANS, N_TIMES, 128.0

    def __init__(self):
        super().__init__()
        self.temporal, self.norm_1 = nn.Conv2d(1, 8, (1, 16), padding=(0, 8), bias=False), nn.BatchNorm2d(8)
        self.spatial = nn.Conv2d(8, 16, (N_CHANS, 1), groups=8, bias=False)
        self.norm_2, self.pool_1 = nn.BatchNorm2d(16), nn.AvgPool2d((1, 4))
        self.depthwise = nn.Conv2d(16, 16, (1, 8), padding=(0, 4), groups=16, bias=False)
        self.pointwise, self.norm_3 = nn.Conv2d(16, 16, 1, bias=False), nn.BatchNorm2d(16)
        self.pool_2, self.head = nn.AvgPool2d((1, 8)), nn.Linear(16 * 6, 3)

    def forward(self, x):
        y = self.norm_1(self.temporal(x.unsqueeze(1)))
        y = self.pool_1(nn.functional.elu(self.norm_2(self.spatial(y))))
        y = self.pool_2(nn.functional.elu(self.norm_3(self.pointwise(self.depthwise(y)))))
        return self.head(y.flatten(1))


class Frames(nn.Module):
    """A strided convolution with batch norm and ReLU, a memory over its frames, and a head."""

    n_chans, n_times, sfreq = N_CHANS, N_TIMES, 128.0

    def __init__(self, memory):
        super().__init__()
        self.frames = CausalConv1d(N_CHANS, 8, 16, stride=8, bias=False)
        self.norm, self.memory, self.head = nn.BatchNorm1d(8), memory, nn.Linear(8, 2)

    def forward(self, x):
        y = self.memory(torch.relu(self.norm(self.frames(x))).transpose(1, 2))
        return self.head(y[0] if isinstance(y, tuple) else y)


class Gates(nn.Module):
    """SiLU written out, a residual, a scaled sum, a concatenation and a maximum."""

    n_chans, n_times, sfreq = N_CHANS, N_TIMES, 128.0

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv1d(N_CHANS, 6, 3, padding=1), nn.Conv1d(6, 6, 1)
        self.last = nn.Conv1d(12, 3, 1)

    def forward(self, x):
        a = self.first(x)
        b = a * torch.sigmoid(a)
        c = 0.5 * (b + torch.tanh(self.second(b)))
        return self.last(nn.functional.max_pool1d(torch.cat([b, c * torch.sigmoid(b)], 1), 2))


class Spiking(nn.Module):
    """Two layers of LIF neurons that reset differently, with a dense layer between them."""

    def __init__(self):
        super().__init__()
        self.first = Lif(8, threshold=(0.1, 0.5))
        self.between, self.second = nn.Linear(8, 8), Lif(8, threshold=0.2, reset_mechanism="zero")

    def forward(self, x):
        return self.second(self.between(self.first(x)))


class Mixing(nn.Module):
    """RWKV-4's block without its norms: time mixing and channel mixing, each added to what it reads."""

    def __init__(self):
        super().__init__()
        self.time, self.channels = TimeMixing4(8), ChannelMixing(8)

    def forward(self, x):
        x = x + self.time(x)
        return x + self.channels(x)


class Window(nn.Module):
    """Mamba both ways over a window, its mean taken off, gains of channels, and the mean square of each."""

    n_chans, n_times, sfreq = N_CHANS, N_TIMES, 128.0

    def __init__(self):
        super().__init__()
        self.frames = Frames(Bidirectional(MambaBlock(8, d_state=4), MambaBlock(8, d_state=4)))
        self.frames.head, self.gain = nn.Identity(), nn.Parameter(torch.linspace(0.5, 2, 8))
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        y = self.frames(x)
        y = (y - y.mean(1, keepdim=True)) / self.gain
        return self.head((y * y).mean(1))


CELL_NETWORKS = {
    "LIF": lambda: Frames(Spiking()),
    "Mamba": lambda: Frames(MambaBlock(8, d_state=4)),
    "RWKV": lambda: Frames(Mixing()),
    "windows": Window,
}
"""Networks whose recurrences may carry integers."""

NETWORKS = {
    "EEGNet": EegNet,
    "Mamba": lambda: Frames(MambaBlock(8, d_state=4)),
    "GRU": lambda: Frames(nn.GRU(8, 8, batch_first=True)),
    "LSTM": lambda: Frames(nn.LSTM(8, 4, batch_first=True, bidirectional=True)),
    "gates": Gates,
}


def trained(name, seed=0):
    """A network in evaluation mode whose batch norms have statistics."""
    torch.manual_seed(seed)
    model = (NETWORKS | CELL_NETWORKS)[name]()
    with torch.no_grad():
        model.train()(signal(16, seed))
    return model.eval()


def signal(batch, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, N_CHANS, N_TIMES, generator=generator)
