"""The audit of a model on a set in Bonn's shape: rows, protocol, and models without a state."""

import io
import json
from typing import ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor, nn

from edgeeeg.data.folds import file_folds
from edgeeeg.errors import ModelError, RecordingError
from edgeeeg.evaluation.audit import AuditResult, Program, audit_bonn
from edgeeeg.evaluation.audit_table import memory_line, render
from edgeeeg.evaluation.frame_scores import FrameScores
from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.models.frame_lstm import FrameLstm
from edgeeeg.signal.annotation import Annotation
from edgeeeg.signal.bonn import SFREQ, BonnSegment
from edgeeeg.signal.recording import Recording

N_TIMES = 700


@pytest.fixture(scope="module")
def segments() -> tuple[BonnSegment, ...]:
    """Thirty short segments; ictal ones are louder."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(30):
        set_name = "S" if number % 3 == 0 else "Z"
        data = rng.normal(0, 60 if set_name == "S" else 40, (1, N_TIMES)).astype(np.float32)
        note = (Annotation(0.0, N_TIMES / SFREQ, "x"),)
        made.append(BonnSegment(set_name, number + 1, Recording(data, ("EEG",), SFREQ, note)))
    return tuple(made)


class Power(nn.Module):
    """Mean power of the last 64 samples: no state but a kernel's."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = CausalConv1d(1, 1, 64, stride=4, bias=False)
        nn.init.constant_(self.mean.weight, 1 / 64)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.mean(x.square())
        return scores


def audit(segments: tuple[BonnSegment, ...], module: nn.Module, **options: object) -> AuditResult:
    model = FrameScores(module)
    return audit_bonn(segments, "raw", lambda fold: model, "made up", **options)  # type: ignore[arg-type]


def test_a_convolution_has_no_state_to_carry(segments: tuple[BonnSegment, ...]) -> None:
    result = audit(segments, Power())
    windowed, carried, often, seldom = result.rows
    assert [row.name for row in result.rows[1:]] == ["carried", "reset every 10 s", "reset every 60 s"]
    assert (carried.period, often.period, seldom.period) == (None, 10.0, 60.0)
    assert windowed.auc.mean > 0.9
    # windows end up to a hop before the last hop that the stream has finished, hence not quite equal
    assert carried.auc.mean == pytest.approx(windowed.auc.mean, abs=0.02)
    assert result.stateless
    # what a reset cuts off is missing from a kernel too, but nothing is ever held too long
    assert all("lengthen the period" in verdict.advice for verdict in result.verdicts)
    assert memory_line(result).startswith("no state to carry")


def test_json_states_the_protocol_and_every_fold(segments: tuple[BonnSegment, ...]) -> None:
    torch.manual_seed(0)
    steps: list[tuple[int, int]] = []
    result = audit(
        segments, FrameLstm(), resets=(8.0, 3.0, 8.0), on_fold=lambda done, of: steps.append((done, of))
    )
    assert steps == [(fold, 5) for fold in range(1, 6)]
    stored = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert [row["state"] for row in stored["rows"]] == [
        "windowed",
        "carried",
        "reset every 3 s",
        "reset every 8 s",
    ]
    assert all(len(row[score]["per_fold"]) == 5 for row in stored["rows"] for score in ("auc", "sensitivity"))
    assert stored["protocol"]["split_unit"] == "file, before windowing"
    assert stored["protocol"]["weights"] == "made up"
    assert "standard deviation" in stored["rule"]
    assert not stored["stateless"]


def test_the_order_of_the_stream_is_seeded(segments: tuple[BonnSegment, ...]) -> None:
    torch.manual_seed(0)
    module = FrameLstm(input_scale=40.0)
    first, again, other = (
        audit(segments, module, resets=(), seed=seed).to_dict()["rows"] for seed in (0, 0, 1)
    )
    assert first == again
    assert first[0]["auc"]["mean"] == pytest.approx(
        other[0]["auc"]["mean"], abs=1e-12
    )  # windows know no order
    assert first[1] != other[1]


class Inverted:
    """A program that says the opposite of its model, and remembers what it was made from."""

    made_from: ClassVar[list[NDArray[np.float32]]] = []

    def __init__(self, model: FrameScores, training: NDArray[np.float32]) -> None:
        self.made_from.append(training)
        self.model, self.hop = model, model.hop

    def eval(self) -> None:
        """Nothing to leave."""

    def __call__(self, x: Tensor) -> Tensor:
        return -self.model(x)


def test_a_program_is_scored_beside_its_model(segments: tuple[BonnSegment, ...]) -> None:
    Inverted.made_from.clear()
    result = audit(segments, Power(), resets=(3.0,), program=Program("opposite", Inverted))
    assert [row.name for row in result.program_rows] == ["windowed", "carried", "reset every 3 s"]
    for row, made, less in zip(result.rows, result.program_rows, result.differences, strict=True):
        assert made.auc.per_fold == pytest.approx([1 - auc for auc in row.auc.per_fold])
        assert less.auc.per_fold == pytest.approx([1 - 2 * auc for auc in row.auc.per_fold])
        assert less.auc.sd == pytest.approx(2 * row.auc.sd)
        assert (made.sensitivity.mean, made.specificity.mean) == (0.0, 1.0)  # at the model's threshold
    assert [len(training) for training in Inverted.made_from] == [24] * 5
    held_out = {number: set(fold.held_out) for number, fold in enumerate(file_folds(np.arange(30) % 3 == 0))}
    for number, training in enumerate(Inverted.made_from):
        for file, segment in enumerate(segments):
            known = bool((training == segment.recording.data[0]).all(axis=1).any())
            assert known == (file not in held_out[number])
    stored = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert stored["program"] == "opposite"
    assert len(stored["program_rows"]) == len(stored["differences"]) == 3
    console = Console(width=100, record=True, file=io.StringIO())
    for part in render(result, "power"):
        console.print(part)
    said = console.export_text()
    assert said.count("opposite") == said.count(" difference") == 3


def test_the_table_has_a_row_for_each_way(segments: tuple[BonnSegment, ...]) -> None:
    result = audit(segments, Power(), resets=())
    console = Console(width=100, record=True, file=io.StringIO())
    for part in render(result, "power"):
        console.print(part)
    said = console.export_text()
    assert "power: Bonn raw" in said
    for name in (
        "windowed",
        "carried",
    ):
        assert f"│ {name}" in said
    assert f"{result.rows[0].auc.mean:.4f} ± {result.rows[0].auc.sd:.4f}" in said
    assert "no row parts from windowed" in said
    assert "clinical" in said


@pytest.mark.parametrize("period", [0.0, 1.9, float("inf"), float("nan")])
def test_a_reset_within_a_window_is_refused(segments: tuple[BonnSegment, ...], period: float) -> None:
    with pytest.raises(RecordingError, match="would cut every window"):
        audit(segments, Power(), resets=(period,))


def test_a_score_that_is_not_a_number_is_refused(segments: tuple[BonnSegment, ...]) -> None:
    class Runaway(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.exp(x.square())  # of amplitudes in µV: infinite

    with pytest.raises(ModelError, match="NaN or infinite with its state windowed"):
        audit(segments, Runaway())
