"""A small model of each spiking layer keeps the contract on this machine, along time and on windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg.layers.adaptive_lif import AdaptiveLif
from edgeeeg.layers.encoders import DeltaEncoder, LatencyEncoder, RateEncoder
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.rate_decoder import RateDecoder
from edgeeeg.layers.recurrent_lif import RecurrentLif
from edgeeeg.layers.synaptic import Synaptic
from edgeeeg_export import contract
from edgeeeg_export.errors import CaptureError
from edgeeeg_export.loading import load_model
from edgeeeg_export.pipeline import compile_model

N = 6
LSB = 2.0**-9
LAYERS = {
    "lif": lambda: Lif(N, reset_mechanism="zero", reset_delay=False, fires="at"),
    "synaptic": lambda: Synaptic(N, alpha=0.6, learn_alpha=False, reset_delay=False),
    "recurrent": lambda: RecurrentLif(N, reset_mechanism="zero"),
    "one to one": lambda: RecurrentLif(N, all_to_all=False, V=-0.4, reset_delay=False),
    "adaptive": lambda: AdaptiveLif(N, b=(0.5, 2.0)),
}


class Model(nn.Module):
    n_chans, sfreq, n_times = 2, 128.0, 64

    def __init__(self, layer: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.front = nn.Conv1d(2, N, 9, stride=4, padding=4)  # looks ahead: the neurons sleep at first
        self.neurons = LAYERS[layer]()
        self.mix = nn.Linear(N, N)
        self.behind = LAYERS[layer]()
        self.head = nn.Linear(N, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spikes = self.neurons(2.0 * self.front(x).transpose(1, 2))
        score: torch.Tensor = self.head(self.behind(self.mix(spikes)))
        return score


class LastScore(Model):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x)[:, -1]


def kept(model: nn.Module, n_times: int, **options: object) -> dict[str, object]:
    subject = compile_model(load_model(model), name="spiking", lsb=LSB, **options).subject
    counts = np.random.default_rng(0).integers(-1200, 1200, (n_times, 2)).astype(np.int16)
    records = contract.verify(subject, counts)
    contract.require_kept(records)
    assert set(records) == {"chunked", "numpy", "c_host", "onnxruntime", "torch"}
    return records


@pytest.mark.parametrize("layer", LAYERS)
def test_every_target_keeps_it_along_time(layer):
    records = kept(Model(layer), 2000, hop=8)
    assert all(records[name].bit_identical for name in ("chunked", "numpy", "c_host"))
    assert all(records[name].forced for name in ("onnxruntime", "torch"))


@pytest.mark.parametrize("layer", ["synaptic", "recurrent"])
def test_every_target_keeps_it_on_windows(layer):
    records = kept(LastScore(layer), 300, hop=16, semantics="windowed")
    assert all(records[name].bit_identical for name in ("chunked", "numpy", "c_host"))


class Changes(nn.Module):
    """Spikes where the signal changes, and how many of them there are."""

    n_chans, sfreq, n_times = 2, 128.0, 64

    def __init__(self, off_spike: bool) -> None:
        super().__init__()
        self.encoder, self.decoder = DeltaEncoder(0.5, off_spike=off_spike), RateDecoder(8)
        self.head = nn.Linear(2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        score: torch.Tensor = self.head(self.decoder(self.encoder(x.transpose(1, 2))))
        return score


@pytest.mark.parametrize("off_spike", [False, True])
def test_changes_stream(off_spike):
    records = kept(Changes(off_spike), 800)
    assert records["c_host"].bit_identical


class Latencies(nn.Module):
    """Two features of a window as spike times, read by neurons."""

    n_chans, sfreq, n_times = 2, 128.0, 64

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.neurons = LatencyEncoder(12, tau=3.0, clip=True), Lif(2, beta=0.8, threshold=0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rates: torch.Tensor = self.neurons(self.encoder(torch.sigmoid(x.mean(2))))
        return rates.mean(1)


def test_spike_times_of_windows():
    records = kept(Latencies(), 400, hop=16)
    assert records["c_host"].bit_identical


def test_random_spikes_are_refused_with_the_remedy():
    model = nn.Sequential(RateEncoder())
    with pytest.raises(CaptureError, match="export the model with DeltaEncoder or with Lif"):
        load_model(model, n_chans=2, n_times=64)
