"""Every cell alone, and all of them in a row, on an emulated Cortex-M4: the contract over the link."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from edgeeeg.layers.adaptive_lif import AdaptiveLif
from edgeeeg.layers.exponential_moving_average import ExponentialMovingAverage
from edgeeeg.layers.filters import Notch
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.linear_attention import LinearAttention
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.layers.recurrent_lif import RecurrentLif
from edgeeeg.layers.running_z_score import RunningZScore
from edgeeeg.layers.s4d import S4d
from edgeeeg.layers.synaptic import Synaptic
from edgeeeg.layers.time_mixing4 import TimeMixing4
from edgeeeg.layers.time_mixing6 import TimeMixing6
from edgeeeg_bridge.board_run import emulated_target
from edgeeeg_export import contract
from edgeeeg_export.loading import load_model
from edgeeeg_export.pipeline import compile_model

N_CHANS, WIDTH, SFREQ = 2, 4, 128.0
Counts = NDArray[np.int64]


class OverChannels(nn.Module):
    """A layer that reads (batch, channels, time), among those of (batch, time, features)."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layer(x.transpose(1, 2))
        return y.transpose(1, 2)


CELLS: dict[str, tuple[str, Callable[[], nn.Module]]] = {
    "biquad": ("Biquad", lambda: OverChannels(Notch(WIDTH, 50.0, SFREQ))),
    "exponential moving average": (
        "ExponentialMovingAverage",
        lambda: OverChannels(ExponentialMovingAverage(WIDTH, 0.2, SFREQ)),
    ),
    "running z-score": ("RunningZScore", lambda: OverChannels(RunningZScore(WIDTH, 0.5, SFREQ, 0.1))),
    # before the others: its norm of each head multiplies what rounding has left in front of it
    "rwkv-6": ("Wkv6", lambda: TimeMixing6(WIDTH, head_size=WIDTH, mix_rank=2, decay_rank=2)),
    "lif": ("Lif", lambda: Lif(WIDTH)),
    "lif, at once and to zero": (
        "Lif",
        lambda: Lif(WIDTH, reset_mechanism="zero", reset_delay=False, fires="at"),
    ),
    "synaptic": ("Synaptic", lambda: Synaptic(WIDTH)),
    "recurrent lif": ("RecurrentLif", lambda: RecurrentLif(WIDTH)),
    "adaptive lif": ("AdaptiveLif", lambda: AdaptiveLif(WIDTH)),
    "mamba": ("SelectiveScan", lambda: MambaBlock(WIDTH, d_state=2)),
    "s4d": ("S4d", lambda: S4d(WIDTH, d_state=4)),
    "rwkv-4": ("Wkv4", lambda: TimeMixing4(WIDTH)),
    "linear attention": ("LinearAttention", lambda: LinearAttention(WIDTH, heads=2)),
}
"""The operator that each layer (batch, time, features) to the same shape holds, and how it is made."""


class Network(nn.Module):
    """Residual layers in a row behind a dense layer over two channels; a tanh keeps what goes on within 1."""

    n_chans, n_times, sfreq = N_CHANS, 16, SFREQ

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.mix, self.out = nn.Linear(N_CHANS, WIDTH), nn.Linear(WIDTH, 1)
        self.layers = nn.ModuleList(layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = torch.tanh(self.mix(x.transpose(1, 2) * 0.02))
        for layer in self.layers:
            features = torch.tanh(features + layer(features))
        scores: torch.Tensor = self.out(features)
        return scores


RNG = np.random.default_rng(0)
NOISE = RNG.integers(-800, 800, (160, N_CHANS))
LOUD = RNG.choice([-32768, 0, 32767], (40, N_CHANS))
SILENCE = np.zeros((100, N_CHANS), np.int64)


def meets_the_contract_on_the_board(names: tuple[str, ...], pieces: tuple[Counts, ...], folder: Path) -> None:
    torch.manual_seed(0)
    kinds, factories = zip(*(CELLS[name] for name in names), strict=True)
    subject = compile_model(load_model(Network(*(make() for make in factories))), name="cells", hop=4).subject
    assert set(kinds) <= {node.op.core.kind for node in subject.step.nodes}
    counts = np.concatenate(pieces).astype(np.int16)
    records = contract.verify(subject, counts, {"board": emulated_target("qemu:mps2-an386", folder)})
    contract.require_kept(records)
    assert records["board"].bit_identical
    assert records["board"].samples == records["numpy"].samples == len(counts)


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_alone_keeps_the_contract_on_a_board(name: str, tmp_path: Path) -> None:
    meets_the_contract_on_the_board((name,), (NOISE, LOUD, SILENCE, NOISE), tmp_path)


def test_all_cells_in_a_row_keep_it(tmp_path: Path) -> None:
    meets_the_contract_on_the_board(tuple(CELLS), (NOISE, SILENCE, NOISE), tmp_path)
