"""Every cell alone, and all of them in a row, on an emulated Cortex-M4: the contract over the link."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg.layers.exponential_moving_average import ExponentialMovingAverage
from edgeeeg.layers.filters import Notch
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.linear_attention import LinearAttention
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.layers.running_z_score import RunningZScore
from edgeeeg.layers.s4d import S4d
from edgeeeg.layers.time_mixing4 import TimeMixing4
from edgeeeg.layers.time_mixing6 import TimeMixing6
from edgeeeg_bridge.board_run import emulated_target
from edgeeeg_export import contract
from edgeeeg_export.loading import load_model
from edgeeeg_export.pipeline import compile_model

N_CHANS, WIDTH, SFREQ = 2, 4, 128.0


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
    "lif": ("Lif", lambda: Lif(WIDTH)),
    "mamba": ("SelectiveScan", lambda: MambaBlock(WIDTH, d_state=2)),
    "s4d": ("S4d", lambda: S4d(WIDTH, d_state=4)),
    "rwkv-4": ("Wkv4", lambda: TimeMixing4(WIDTH)),
    "rwkv-6": ("Wkv6", lambda: TimeMixing6(WIDTH, head_size=2, mix_rank=2, decay_rank=2)),
    "linear attention": ("LinearAttention", lambda: LinearAttention(WIDTH, heads=2)),
}
"""The operator that each layer (batch, time, features) to the same shape holds, and how it is made."""


class Network(nn.Module):
    """Layers in a row behind a dense layer over two channels, each but the first behind a layer norm."""

    n_chans, n_times, sfreq = N_CHANS, 16, SFREQ

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.mix, self.out = nn.Linear(N_CHANS, WIDTH), nn.Linear(WIDTH, 1)
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in layers[1:])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, *others = self.layers
        features = first(self.mix(x.transpose(1, 2) * 0.02))
        for norm, layer in zip(self.norms, others, strict=True):
            features = features + layer(norm(features))
        scores: torch.Tensor = self.out(features)
        return scores


def meets_the_contract_on_the_board(names: tuple[str, ...], tmp_path: Path) -> None:
    torch.manual_seed(0)
    kinds, factories = zip(*(CELLS[name] for name in names), strict=True)
    subject = compile_model(load_model(Network(*(make() for make in factories))), name="cells", hop=4).subject
    assert set(kinds) <= {node.op.core.kind for node in subject.step.nodes}
    rng = np.random.default_rng(0)
    noise = rng.integers(-800, 800, (160, N_CHANS))
    loud = rng.choice([-32768, 0, 32767], (40, N_CHANS))
    counts = np.concatenate([noise, loud, np.zeros((100, N_CHANS)), noise]).astype(np.int16)
    records = contract.verify(subject, counts, {"board": emulated_target("qemu:mps2-an386", tmp_path)})
    contract.require_kept(records)
    assert records["board"].bit_identical
    assert records["board"].samples == records["numpy"].samples > 100


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_alone_keeps_the_contract_on_a_board(name: str, tmp_path: Path) -> None:
    meets_the_contract_on_the_board((name,), tmp_path)


def test_all_cells_in_a_row_keep_it(tmp_path: Path) -> None:
    meets_the_contract_on_the_board(tuple(CELLS), tmp_path)
