"""The danger that the audit is for: trained on windows that start from zero, run with carried state."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgeeeg.data.windows import WindowGrid
from edgeeeg.evaluation.audit import audit_bonn
from edgeeeg.evaluation.frame_scores import FrameScores
from edgeeeg.models.frame_lstm import FrameLstm
from edgeeeg.signal.annotation import Annotation
from edgeeeg.signal.bonn import SFREQ, BonnSegment
from edgeeeg.signal.recording import Recording
from edgeeeg_bench.window_training import WindowTraining, train_on_windows

N_TIMES = 520  # two windows of 2 s


def made_up(seed: int, n_files: int) -> tuple[BonnSegment, ...]:
    """Noise, and in every third file a spike at the beginning of each second: one in a window decides."""
    rng = np.random.default_rng(seed)
    segments = []
    for number in range(n_files):
        ictal = number % 3 == 0
        data = rng.normal(0.0, 1.0, (1, N_TIMES)).astype(np.float32)
        if ictal:
            for onset in (rng.integers(40), 173 + rng.integers(40)):
                data[0, onset : onset + 8] += 8.0
        note = (Annotation(0.0, N_TIMES / SFREQ, "x"),)
        segments.append(
            BonnSegment("S" if ictal else "Z", number + 1, Recording(data, ("EEG",), SFREQ, note))
        )
    return tuple(segments)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small tensors on many threads wait for each other, and for whatever else the machine does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def trained() -> tuple[FrameLstm, list[float]]:
    segments = made_up(1, 90)
    grid = WindowGrid.of_seconds(N_TIMES, SFREQ)
    cut = grid.cut(np.concatenate([segment.recording.data for segment in segments]))[..., -344:]
    ictal = np.repeat([segment.ictal for segment in segments], cut.shape[1])
    torch.manual_seed(0)
    model = FrameLstm(n_filters=4, hidden=8)
    with torch.no_grad():
        model.memory.bias_ih_l0[8:16] = 5.0  # the forget gates start open, as is usual for long memories
    losses: list[float] = []
    settings = WindowTraining(epochs=25, batch_size=50, learning_rate=0.02)
    train_on_windows(model, cut.reshape(-1, 344), ictal, settings, losses.append)
    return model, losses


def test_training_on_windows_learns_the_task(trained):
    _, losses = trained
    assert len(losses) == 25
    assert losses[-1] < 0.5 * losses[0]


def test_carried_state_ruins_it_and_the_audit_says_so(trained):
    model = FrameScores(trained[0])
    result = audit_bonn(made_up(2, 60), "raw", lambda fold: model, "made up", resets=(4.0, 12.0))
    windowed, carried, often, seldom = result.rows
    assert windowed.auc.mean > 0.9
    assert carried.auc.mean < 0.7
    # the more often the state starts anew, the less of the past it holds against the present
    assert carried.auc.mean < seldom.auc.mean < often.auc.mean < windowed.auc.mean
    verdict = next(verdict for verdict in result.verdicts if verdict.state == "carried")
    assert verdict.loses
    assert verdict.score == "auc"
    assert verdict.line.startswith("warning: carried loses 0.")
    assert not result.stateless
