"""Layers around linear recurrences as programs: all of them along time, and under the contract."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg.layers.bidirectional import Bidirectional
from edgeeeg.layers.channel_mixing import ChannelMixing
from edgeeeg.layers.cross_time_mixing import CrossTimeMixing
from edgeeeg.layers.linear_attention import LinearAttention
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.layers.s4d import S4d
from edgeeeg.layers.time_mixing4 import TimeMixing4
from edgeeeg.layers.time_mixing6 import TimeMixing6
from edgeeeg.layers.window_attention import WindowAttention
from edgeeeg_export import contract
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.pipeline import compile_model

WIDTH = 4


class Stack(nn.Module):
    """Every layer in the residual stream of two modalities."""

    n_chans, n_times, sfreq = 2, 64, 128.0

    def __init__(self, causal: bool) -> None:
        super().__init__()
        self.eeg, self.emg = nn.Conv1d(2, WIDTH, 4, stride=4), nn.Conv1d(2, WIDTH, 4, stride=4)
        self.fusion = CrossTimeMixing(WIDTH, causal=causal)
        self.both = Bidirectional(TimeMixing4(WIDTH), TimeMixing4(WIDTH), causal=causal)
        self.layers = nn.ModuleList(
            [
                ChannelMixing(WIDTH),
                TimeMixing6(WIDTH, head_size=2, mix_rank=2, decay_rank=2),
                LinearAttention(WIDTH, heads=2),
                WindowAttention(WIDTH, window=3, heads=2),
                MambaBlock(WIDTH, d_state=2),
                S4d(WIDTH, d_state=4),
            ]
        )
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in self.layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        eeg, emg = (torch.tanh(conv(x / 50)).transpose(1, 2) for conv in (self.eeg, self.emg))
        fused = self.fusion(eeg, emg)
        x = self.both(fused[0] + fused[1])
        for norm, layer in zip(self.norms, self.layers, strict=True):
            x = x + layer(norm(x))
        return x.transpose(1, 2)


def test_the_causal_stack_streams_and_keeps_the_contract():
    torch.manual_seed(0)
    subject = compile_model(load_model(Stack(causal=True)), name="linear").subject
    counts = np.random.default_rng(0).integers(-800, 800, (1200, 2)).astype(np.int16)
    contract.require_kept(contract.verify(subject, counts))


@pytest.mark.parametrize(("causal", "window"), [(True, None), (False, 64)])
def test_only_what_looks_back_from_the_end_waits_for_its_window(causal: bool, window: int | None):
    torch.manual_seed(0)
    assert lower(load_model(Stack(causal)).onnx_model, "m").window == window
