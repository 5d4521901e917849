"""Programs that answer late, on an emulated board: the contract over the link, to the last flushed output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg.layers.lif import Lif
from edgeeeg_bridge.board_run import emulated_target
from edgeeeg_export import contract
from edgeeeg_export.loading import load_model
from edgeeeg_export.pipeline import compile_model
from edgeeeg_export.placement import Semantics


class Padded(nn.Module):
    """Convolutions that pad both ends, and a dense layer over the whole window."""

    n_chans, n_times, sfreq = 2, 32, 128.0

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(2, 3, 5, padding=2), nn.Conv1d(3, 2, 3, stride=2, padding=1)
        self.head = nn.Linear(32, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.second(torch.relu(self.first(x * 0.01)))
        scores: torch.Tensor = self.head(features.flatten(1))
        return scores


class Spiking(nn.Module):
    """Neurons behind look-ahead, and look-ahead behind neurons."""

    n_chans, n_times, sfreq = 2, 32, 128.0

    def __init__(self) -> None:
        super().__init__()
        self.first, self.neurons, self.second = (
            nn.Conv1d(2, 3, 5, padding=2),
            Lif(3),
            nn.Conv1d(3, 1, 3, padding=1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spikes = self.neurons((self.first(x) * 0.05).transpose(1, 2))
        scores: torch.Tensor = self.second(spikes.transpose(1, 2))
        return scores


@pytest.mark.parametrize(
    ("model", "semantics", "flushed"),
    [(Padded, "continuous", 1), (Padded, "windowed", 0), (Spiking, "continuous", 3)],
    ids=["look-ahead and windows", "windows with their own edges", "neurons behind look-ahead"],
)
def test_a_board_gives_every_output_late_and_flushes_the_rest(
    model: type[Padded | Spiking], semantics: Semantics, flushed: int, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    subject = compile_model(load_model(model()), name="late", semantics=semantics).subject
    assert subject.program.delay > 0
    assert subject.program.flush == flushed
    counts = np.random.default_rng(0).integers(-800, 800, (200, 2)).astype(np.int16)
    records = contract.verify(subject, counts, {"board": emulated_target("qemu:mps2-an386", tmp_path)})
    contract.require_kept(records)
    assert records["board"].bit_identical
    assert records["board"].samples == records["numpy"].samples > 150
