"""Whole models in integers, streaming and on windows: the same bits everywhere, near the float model."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg.layers.mamba import MambaBlock
from edgeeeg_export import reference
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.calibration import calibrate
from edgeeeg_export.quantize.format import Format
from edgeeeg_export.targets import c

N_CHANS, N_STEPS = 3, 40


class Recurrent(nn.Module):
    """A padded convolution, batch norm, SiLU, a padded pool, and a recurrence read from both ends."""

    n_chans, n_times, sfreq = N_CHANS, 64, 128.0

    def __init__(self, layer, **options):
        super().__init__()
        self.conv, self.norm = nn.Conv1d(N_CHANS, 8, 5, stride=2, padding=2), nn.BatchNorm1d(8)
        self.pool = nn.MaxPool1d(3, 2, 1)
        self.recurrent = layer(8, 6, batch_first=True, **options)
        self.head = nn.Linear(6 * (1 + self.recurrent.bidirectional), 2)

    def forward(self, x):
        y = self.pool(nn.functional.silu(self.norm(self.conv(x)))).transpose(1, 2)
        y, _ = self.recurrent(y)
        return self.head(y.mean(1) if self.recurrent.bidirectional else y)


class Mamba(nn.Module):
    """A block forwards, and one backwards."""

    n_chans, n_times, sfreq = N_CHANS, 64, 128.0

    def __init__(self):
        super().__init__()
        self.up, self.forwards, self.backwards = nn.Linear(N_CHANS, 8), MambaBlock(8), MambaBlock(8)
        self.head = nn.Linear(16, 2)

    def forward(self, x):
        y = self.up(x.transpose(1, 2))
        y = torch.cat([self.forwards(y), self.backwards(y.flip(1)).flip(1)], dim=-1)
        return self.head(y.mean(1))


class Normalized(nn.Module):
    """Batch norm where no convolution in front of it takes it in."""

    n_chans, n_times, sfreq = N_CHANS, 64, 128.0

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.BatchNorm1d(N_CHANS), nn.BatchNorm1d(8)
        self.conv, self.mix = nn.Conv1d(N_CHANS, 8, 5, padding="same"), nn.Conv1d(8, 8, 5, padding="same")
        self.head = nn.Linear(8, 2)
        for norm in (self.first, self.last):
            nn.init.normal_(norm.running_mean)
            nn.init.uniform_(norm.running_var, 0.5, 2.0)
            nn.init.normal_(norm.weight)

    def forward(self, x):
        y = torch.relu(self.conv(self.first(x)))
        return self.head(self.last(y + self.mix(y) * torch.sigmoid(y)).mean(2))


def eegnet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # braindecode's, of names that it will change
        import braindecode.models

        return braindecode.models.EEGNetv4(n_chans=N_CHANS, n_outputs=2, n_times=256, sfreq=128)


MODELS = {
    "bidirectional GRU": (lambda: Recurrent(nn.GRU, bidirectional=True), {"Gru"}),
    "bidirectional LSTM": (lambda: Recurrent(nn.LSTM, bidirectional=True), {"Lstm"}),
    "causal GRU": (lambda: Recurrent(nn.GRU), {"Gru"}),
    "bidirectional Mamba": (Mamba, set()),
    "batch norm": (Normalized, set()),
    "EEGNet": (eegnet, set()),
}
FLOAT_WEIGHTS = {"Conv", "Linear", "MatMul", "Lstm", "Gru", "Rnn"}


@pytest.mark.parametrize("width", ["int8", "int16"])
@pytest.mark.parametrize("semantics", ["continuous", "windowed"])
@pytest.mark.parametrize("name", MODELS)
def test_the_same_bits_everywhere_and_near_the_float_model(
    name, semantics, width, counts, as_input, same_everywhere
):
    make, recurrent = MODELS[name]
    torch.manual_seed(0)
    model = load_model(make().eval()).onnx_model
    hop = 32 if name == "EEGNet" else 8
    x = as_input(counts(hop * N_STEPS, N_CHANS))
    floats = lower(model, "m", hop, semantics)
    ((source, _),) = floats.step.inputs.items()
    formats = assign(calibrate(stream(floats.captured, hop), {source: x}, "min-max"), {}, width)
    integers = lower(model, "m", hop, semantics, formats=formats)
    kinds = {node.op.kind for node in integers.step.nodes}
    assert not kinds & FLOAT_WEIGHTS
    assert {f"Quantized{kind}" for kind in recurrent} <= kinds
    truth = same_everywhere(integers.offline, integers.step, N_STEPS)
    (output,) = floats.step.outputs
    expected = reference.run(floats.offline, {source: x}).tensors[output]
    close = np.abs(
        np.ravel(expected) - np.ravel(reference.run(integers.offline, {source: x}).tensors[output])
    )
    assert truth.size == expected.size
    assert close.max() < (0.1 if width == "int8" else 0.02) * np.abs(expected).max()


def test_recurrent_weights_shrink_to_a_quarter():
    class Wide(nn.Module):
        n_chans, n_times, sfreq = N_CHANS, 64, 128.0

        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(N_CHANS, 64, batch_first=True)

        def forward(self, x):
            return self.lstm(x.transpose(1, 2))[0]

    model = load_model(Wide().eval()).onnx_model
    floats = lower(model, "m", 8)
    formats = dict.fromkeys(floats.captured.tensors, Format("int8", 0.01))
    before, after = (c.emit(lower(model, "m", 8, formats=f).step, 1.0).weight_bytes for f in (None, formats))
    assert after < 0.30 * before
