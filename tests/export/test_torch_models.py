"""Models as people write them in torch: imported unchanged, streamed, and the same bits in C."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from edgeeeg.signal import synthesize
from edgeeeg.signal.scalp import known_positions
from edgeeeg.stream import Stream
from edgeeeg_export import reference
from edgeeeg_export.capture import to_onnx, trace
from edgeeeg_export.contract import by_step
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.passes import simplify
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.pipeline import export_model

N_CHANS, N_TIMES = 6, 256


class ConvolutionalRecurrent(nn.Module):
    """EEGNet's first layers, causal, in front of two recurrent layers."""

    def __init__(self, kind):
        super().__init__()
        self.temporal = nn.Conv2d(1, 4, (1, 16))
        self.spatial = nn.Conv2d(4, 8, (N_CHANS, 1), groups=4)
        self.norm = nn.BatchNorm2d(8)
        self.pool = nn.AvgPool2d((1, 4))
        self.recurrent = getattr(nn, kind)(8, 5, num_layers=2, batch_first=True)
        self.head = nn.Linear(5, 2)

    def forward(self, x):
        features = self.temporal(F.pad(x[:, None], (15, 0)))
        features = self.pool(F.elu(self.norm(self.spatial(features))))
        y, _ = self.recurrent(features.squeeze(2).transpose(1, 2))
        return self.head(y)


class TemporalConvolutional(nn.Module):
    """Dilated convolutions with a residual path and pooling."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv1d(N_CHANS, 8, 5, dilation=2)
        self.second = nn.Conv1d(8, 8, 5, dilation=4)
        self.skip = nn.Conv1d(N_CHANS, 8, 1)
        self.pool = nn.MaxPool1d(4)

    def forward(self, x):
        y = F.relu(self.first(F.pad(x, (8, 0))))
        y = F.relu(self.second(F.pad(y, (16, 0)))) + self.skip(x)
        return self.pool(y)


class Spectrogram(nn.Module):
    """Power of a short-time Fourier transform, per channel."""

    def forward(self, x):
        window = torch.hann_window(64)
        spectrum = torch.stft(F.pad(x, (48, 0))[0], 64, 16, window=window, center=False, return_complex=True)
        return (torch.view_as_real(spectrum) ** 2).sum(-1)[None]


class LearnedStart(nn.Module):
    """An LSTM whose state before the first sample is trained."""

    def __init__(self):
        super().__init__()
        self.recurrent = nn.LSTM(N_CHANS, 5, batch_first=True)
        self.start = nn.ParameterList([torch.randn(1, 1, 5), torch.randn(1, 1, 5)])

    def forward(self, x):
        return self.recurrent(x.transpose(1, 2), tuple(self.start))[0]


@pytest.mark.parametrize(
    ("build", "hop"),
    [
        (lambda: ConvolutionalRecurrent("GRU"), 4),
        (lambda: ConvolutionalRecurrent("LSTM"), 4),
        (TemporalConvolutional, 4),
        (Spectrogram, 16),
    ],
    ids=["CRNN with GRU", "CRNN with LSTM", "TCN", "STFT"],
)
def test_torch_models_stream_unchanged(build, hop, counts, as_input, native):
    torch.manual_seed(0)
    model = build().eval()
    graph = simplify(import_onnx(to_onnx(trace(model, N_CHANS, N_TIMES)).model, "model"))
    samples = counts(N_TIMES, N_CHANS)
    x = as_input(samples)
    (name,) = graph.outputs
    truth = reference.run(graph, {"eeg": x}).tensors[name]
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(truth, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())

    step = stream(graph)
    assert step.inputs["eeg"].frames == hop
    type_ = step.tensors[name]
    in_c = native(step).push(samples)
    np.testing.assert_array_equal(
        in_c.view(np.uint32), by_step(truth, type_.time_axis, type_.frames).view(np.uint32)
    )


def test_a_learned_start_travels_with_the_bundle(tmp_path):
    """The contract holds, C included, and a stream of the bundle starts where the model was trained to."""
    torch.manual_seed(0)
    model, names = LearnedStart().eval(), tuple(known_positions())[:N_CHANS]
    recording = synthesize(1.0, 256.0, names)
    bundle = export_model(
        model,
        tmp_path / "b",
        sfreq=256.0,
        ch_names=names,
        n_chans=N_CHANS,
        n_times=32,
        recording=recording,
    )
    x = np.random.default_rng(0).standard_normal((N_CHANS, 32)).astype(np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(x[None]))[0].numpy()
    live = Stream(bundle)
    for _ in range(2):
        np.testing.assert_allclose(live.push(x), expected, rtol=1e-5, atol=1e-6)
        live.reset()
