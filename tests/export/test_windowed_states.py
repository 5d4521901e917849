"""Layers of ours that carry a state, with windowed semantics: from their initial state in every window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg.layers.filters import Notch
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.layers.running_z_score import RunningZScore
from edgeeeg.signal import synthesize
from edgeeeg_export import contract
from edgeeeg_export.errors import ExportError, NotCausal
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.pipeline import compile_model, export_model

SFREQ = 128.0


class Chain(nn.Module):
    """A filter and running statistics of two channels, neurons, a state space, and a score at the end."""

    n_chans, n_times, sfreq = 2, 32, SFREQ

    def __init__(self) -> None:
        super().__init__()
        self.notch, self.scale = Notch(2, 50.0, SFREQ), RunningZScore(2, 0.1, SFREQ, 1.0)
        self.conv, self.neurons, self.mamba = nn.Conv1d(2, 4, 4, stride=4), Lif(4), MambaBlock(4)
        self.head = nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        frames = self.conv(self.scale(self.notch(x))).transpose(1, 2)
        score: torch.Tensor = self.head(self.mamba(self.neurons(frames)))
        return score[:, -1]


def test_every_state_begins_anew_in_every_window_and_in_every_target():
    torch.manual_seed(0)
    subject = compile_model(load_model(Chain()), name="anew", hop=16, semantics="windowed").subject
    assert not [
        state for state in subject.step.all_states() if not state.name.endswith(("frames", "steps", "ended"))
    ]
    counts = np.random.default_rng(0).integers(-800, 800, (400, 2)).astype(np.int16)
    contract.require_kept(contract.verify(subject, counts))


def test_the_shipped_detector_has_both_semantics():
    model = load_model("edge-detector").onnx_model
    assert lower(model, "m", semantics="windowed").window == 1024


def test_a_hop_that_skips_samples_is_refused():
    model = load_model(Chain()).onnx_model
    with pytest.raises(NotCausal, match="a hop of 36 samples is longer than the window of 32"):
        lower(model, "m", 36, "windowed")


def test_a_recording_shorter_than_the_window_is_refused_before_the_work(tmp_path):
    second = synthesize(1.0, SFREQ, ("C3", "C4"))
    short = replace(second, data=second.data[:, :20])
    with pytest.raises(ExportError, match="fewer than those of one step or window, 32"):
        export_model(Chain(), tmp_path / "b", recording=short, ch_names=short.ch_names, semantics="windowed")
    assert not list(tmp_path.iterdir())
