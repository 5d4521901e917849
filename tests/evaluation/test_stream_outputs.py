"""Scores along one stream of many files: carried over their borders, or from zero after each period."""

import numpy as np
import pytest
import torch

from edgeeeg.data.windows import WindowGrid
from edgeeeg.errors import RecordingError
from edgeeeg.evaluation.stream_outputs import stream_outputs
from edgeeeg.evaluation.window_outputs import carried_outputs, windowed_outputs
from edgeeeg.models.frame_lstm import FrameLstm

GRID = WindowGrid(n_times=101, length=40, shift=20)  # files of no whole number of hops


@pytest.fixture
def model() -> FrameLstm:
    torch.manual_seed(0)
    return FrameLstm().eval()


@pytest.fixture
def samples() -> np.ndarray:
    return (3 * np.random.default_rng(0).normal(size=(4, 101))).astype(np.float32)


def score_at(model: FrameLstm, samples: np.ndarray, start: int, stop: int) -> float:
    """The model's last output over part of the stream, from zero state."""
    with torch.no_grad():
        part = torch.from_numpy(samples.reshape(1, 1, -1)[..., start:stop].copy())
        return model(part)[0, -1, 0].item()


def test_carried_has_heard_every_file_before(model: FrameLstm, samples: np.ndarray) -> None:
    outputs = stream_outputs(model, samples, GRID)
    assert outputs.shape == (4, 4)
    stop = (2 * 101 + 60) // 8 * 8
    assert outputs[2, 1] == pytest.approx(score_at(model, samples, 0, stop), rel=1e-5)
    np.testing.assert_allclose(outputs[0], carried_outputs(model, samples, GRID)[0], rtol=1e-5)
    assert np.abs(outputs[1:] - carried_outputs(model, samples, GRID)[1:]).max() > 1e-4


def test_a_reset_forgets_what_was_before_it(model: FrameLstm, samples: np.ndarray) -> None:
    outputs = stream_outputs(model, samples, GRID, period=67)  # 64 samples are whole hops
    stop = (2 * 101 + 80) // 8 * 8
    start = stop // 64 * 64
    assert outputs[2, 2] == pytest.approx(score_at(model, samples, start, stop), rel=1e-5)
    # the last piece is shorter than a period
    stop = (3 * 101 + 100) // 8 * 8
    assert outputs[3, 3] == pytest.approx(score_at(model, samples, 384, stop), rel=1e-5)


def test_a_period_of_the_whole_stream_is_carried(model: FrameLstm, samples: np.ndarray) -> None:
    np.testing.assert_allclose(
        stream_outputs(model, samples, GRID, period=4000), stream_outputs(model, samples, GRID), rtol=1e-6
    )


def test_windowed_is_neither(model: FrameLstm, samples: np.ndarray) -> None:
    assert np.abs(stream_outputs(model, samples, GRID) - windowed_outputs(model, samples, GRID)).max() > 1e-3


def test_a_period_below_a_hop_is_refused(model: FrameLstm, samples: np.ndarray) -> None:
    with pytest.raises(RecordingError, match="every hop of 8"):
        stream_outputs(model, samples, GRID, period=7)
