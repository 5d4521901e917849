"""A bundle of a model that looks ahead: outputs come late, and a flush gives those that remain."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg.errors import RecordingError
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.signal import Recording
from edgeeeg.stream import Stream
from edgeeeg_export.pipeline import export_model

HOP, N_STEPS = 8, 12


class Centred(nn.Module):
    """Two `same` convolutions around a layer with a state, eight frames of two samples late."""

    n_chans, sfreq, n_times = 2, 64.0, 64

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.front = nn.Conv1d(2, 4, 8, stride=2, padding=3)
            self.mamba = MambaBlock(4, d_state=2)
            self.rear = nn.Conv1d(4, 2, 9, padding=4)

    def forward(self, x):
        frames = torch.tanh(self.front(x * 0.02)).transpose(1, 2)
        return self.rear(self.mamba(frames).transpose(1, 2))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    torch.set_num_threads(1)
    data = 40 * np.random.default_rng(0).standard_normal((2, 256)).astype(np.float32)
    out = tmp_path_factory.mktemp("out") / "bundle"
    return export_model(Centred(), out, hop=HOP, recording=Recording(data, ("EEG1", "EEG2"), 64.0))


@pytest.fixture(scope="module")
def samples():
    return 40 * np.random.default_rng(1).standard_normal((2, HOP * N_STEPS)).astype(np.float32)


@pytest.fixture(scope="module")
def expected(samples):
    """What torch makes of the whole recording, (steps, two features of four frames)."""
    with torch.no_grad():
        y = Centred().eval()(torch.from_numpy(samples[None])).numpy()
    return y.reshape(2, N_STEPS, 4).transpose(1, 0, 2).reshape(N_STEPS, 8)


def test_the_manifest_tells_delay_and_flush(bundle):
    info = bundle.manifest
    assert (info.delay_steps, info.flush_steps, info.ended_state) == (2, 2, "clock.ended")
    card = bundle.path("README.md").read_text()
    assert "comes with step 3, 0.250 s late" in card  # two steps of 125 ms
    assert "2 outputs remain after the last sample" in card


@pytest.mark.parametrize("size", [1, 8, 13, HOP * N_STEPS])
def test_pushed_and_flushed_it_gives_the_whole_recording(bundle, samples, expected, size):
    live = Stream(bundle)
    rows = [live.push(samples[:, at : at + size]) for at in range(0, samples.shape[1], size)]
    assert sum(map(len, rows)) == N_STEPS - 2
    rows.append(live.flush())
    assert rows[-1].shape == (2, 8)
    np.testing.assert_allclose(np.concatenate(rows), expected, atol=1e-5)


def test_the_golden_outputs_are_flushed_too(bundle):
    stored = np.load(bundle.path("golden.npz"))
    assert len(stored["outputs"]) == len(stored["counts"]) // HOP
    live = Stream(bundle)
    first = live.push(stored["counts"].T * np.float32(bundle.manifest.input.lsb))
    np.testing.assert_allclose(np.concatenate([first, live.flush()]), stored["outputs"], atol=1e-4)


def test_the_first_outputs_come_with_the_third_step(bundle, samples, expected):
    live = Stream(bundle)
    assert live.push(samples[:, : 3 * HOP - 1]).shape == (0, 8)
    np.testing.assert_allclose(live.push(samples[:, 3 * HOP - 1 : 3 * HOP]), expected[:1], atol=1e-5)


def test_after_a_flush_only_reset_begins_another_recording(bundle, samples, expected):
    live = Stream(bundle)
    live.push(samples[:, :50])
    assert len(live.flush()) == 2
    assert live.flush().shape == (0, 8)
    with pytest.raises(RecordingError, match=r"ended by flush\(\); reset\(\) begins another"):
        live.push(samples[:, :1])
    live.reset()
    rows = [live.push(samples), live.flush()]
    np.testing.assert_allclose(np.concatenate(rows), expected, atol=1e-5)


@pytest.mark.parametrize("n_steps", [0, 1, 2])
def test_a_recording_shorter_than_the_delay_is_all_flushed(bundle, samples, n_steps):
    live = Stream(bundle)
    assert live.push(samples[:, : n_steps * HOP + 3]).shape == (0, 8)
    last = live.flush()
    assert last.shape == (n_steps, 8)
    if n_steps:
        with torch.no_grad():
            y = Centred().eval()(torch.from_numpy(samples[None, :, : n_steps * HOP])).numpy()
        y = y.reshape(2, n_steps, 4).transpose(1, 0, 2).reshape(n_steps, 8)
        np.testing.assert_allclose(last, y, atol=1e-5)
