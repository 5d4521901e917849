"""The graph of the soak: convolution, spiking neurons, state space and GRU, seeded and normalised on EEG."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.signal.recording import Recording

INPUT_SCALE = 50.0
"""µV that count as 1 inside: the order of the background's standard deviation."""


class SoakNetwork(nn.Module):
    """Conv, LIF, conv, Mamba and GRU: EEG (batch, n_chans, n_times) in µV to a probability a hop, and spikes.

    The spikes (batch, n_times / 4, n_filters) are an output so that every one of them is seen from outside.
    The frames behind the neurons, (batch, n_times / 8, d_model), feed the state space and the GRU.
    """

    def __init__(self, n_chans: int, sfreq: float, n_filters: int = 16, d_model: int = 12) -> None:
        super().__init__()
        self.n_chans, self.sfreq, self.hop = n_chans, sfreq, 8
        self.temporal = CausalConv1d(n_chans, n_filters, 32, stride=4, bias=False)
        self.temporal_norm = nn.BatchNorm1d(n_filters)
        self.lif = Lif(n_filters)
        self.pool = CausalConv1d(n_filters, d_model, 4, stride=2, bias=False)
        self.pool_norm = nn.BatchNorm1d(d_model)
        self.mamba = MambaBlock(d_model, d_state=4)
        self.gru = nn.GRU(d_model, d_model, batch_first=True)
        self.head = nn.Linear(d_model, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (batch, n_times / 8, 1) and spikes (batch, n_times / 4, n_filters) of x in µV."""
        currents = self.temporal_norm(self.temporal(x * (1.0 / INPUT_SCALE)))
        spikes = self.lif(currents.transpose(1, 2))
        frames = self.pool_norm(self.pool(spikes.transpose(1, 2))).transpose(1, 2)
        memory, _ = self.gru(self.mamba(frames))
        return torch.sigmoid(self.head(memory)), spikes


def soak_network(eeg: Recording, seed: int) -> SoakNetwork:
    """The network with weights of the seed, whose batch norms hold the statistics of the EEG.

    So the neurons fire at the rates that they would have after training: with unit currents and thresholds
    from 0.2 to 2 some spike in most frames and some seldom.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SoakNetwork(eeg.n_chans, eeg.sfreq)
    n_times = eeg.n_times // network.hop * network.hop
    for norm in (network.temporal_norm, network.pool_norm):
        norm.momentum = None  # the plain mean of what follows, not a running one
    network.train()
    with torch.no_grad():
        network(torch.tensor(eeg.data[None, :, :n_times]))
    return network.eval()
