"""The semantic audit: one model's scores on Bonn with its state windowed, carried and periodically reset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeeeg.data.bonn_segments import LabelledSegments, Task, label_segments
from edgeeeg.data.folds import N_FOLDS, SEED, Fold, file_folds
from edgeeeg.data.windows import WindowGrid
from edgeeeg.errors import ModelError, RecordingError
from edgeeeg.evaluation.audit_verdict import RULE, SCORES, Verdict, judge
from edgeeeg.evaluation.detection_scores import DetectionScore, Spread, score_windows, youden_threshold
from edgeeeg.evaluation.frame_scores import FrameScores, Memory, measure_memory
from edgeeeg.evaluation.stream_outputs import stream_outputs
from edgeeeg.evaluation.window_outputs import FrameDetector, windowed_outputs
from edgeeeg.signal.bonn import SFREQ, BonnSegment

RESETS = (10.0, 60.0)
"""Default periods of the periodic reset, in s."""

WINDOWED, CARRIED = "windowed", "carried"

PROBED_SECONDS = 120.0
"""Length of the stream on which memory is measured."""

ModelOfFold = Callable[[int], FrameScores]
ProgramOf = Callable[[FrameScores, NDArray[np.float32]], FrameDetector]
"""A program made from a model and its fold's training files (n_files, n_times)."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Scores of one way to handle the state, each with its spread over the folds.

    Parameters
    ----------
    name : "windowed", "carried" or "reset every P s".
    period : s after which the state starts from zero; None for windowed and carried.
    """

    name: str
    period: float | None
    auc: Spread
    sensitivity: Spread
    specificity: Spread

    def less(self, other: AuditRow) -> AuditRow:
        """The differences from another row, fold by fold."""
        differences = {
            score: Spread.of(
                [
                    mine - theirs
                    for mine, theirs in zip(
                        getattr(self, score).per_fold, getattr(other, score).per_fold, strict=True
                    )
                ]
            )
            for score in SCORES
        }
        return AuditRow(self.name, self.period, **differences)

    @classmethod
    def of(cls, name: str, period: float | None, folds: Sequence[DetectionScore]) -> AuditRow:
        """The row of one score a fold."""
        spreads = {score: Spread.of([getattr(fold, score) for fold in folds]) for score in SCORES}
        return cls(name, period, **spreads)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain types, for JSON."""
        return {
            "state": self.name,
            "reset_seconds": self.period,
            "auc": self.auc.to_dict(),
            "sensitivity": self.sensitivity.to_dict(),
            "specificity": self.specificity.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Program:
    """What an export makes of the model, such as its integers, scored like the model itself.

    Parameters
    ----------
    name : for people.
    make : one for each fold.
    """

    name: str
    make: ProgramOf


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What the audit of one model found.

    Parameters
    ----------
    hop_seconds : length of the model's frame.
    memory : for how long it remembers, the longest of all folds.
    rows : windowed first, then carried, then the resets by their period.
    verdicts : what parts from windowed, by the rule.
    protocol : how it was measured.
    program : name of the program that was scored too, if one was.
    program_rows : its rows, in the order of `rows`.
    """

    task: Task
    hop_seconds: float
    memory: Memory
    rows: tuple[AuditRow, ...]
    verdicts: tuple[Verdict, ...]
    protocol: Mapping[str, str | int | float]
    program: str | None = None
    program_rows: tuple[AuditRow, ...] = ()

    @property
    def differences(self) -> tuple[AuditRow, ...]:
        """Rows of the program less those of the model, each with the spread of its differences."""
        pairs = zip(self.program_rows, self.rows[: len(self.program_rows)], strict=True)
        return tuple(mine.less(before) for mine, before in pairs)

    @property
    def stateless(self) -> bool:
        """Whether nothing from before a window changes the output at its end."""
        return self.memory.within(float(self.protocol["window_s"]))

    def to_dict(self) -> dict[str, Any]:
        """The same as plain types, for JSON."""
        return {
            "task": self.task,
            "hop_seconds": self.hop_seconds,
            "memory_seconds": self.memory.seconds,
            "memory_is_lower_bound": self.memory.lasting,
            "stateless": self.stateless,
            "rows": [row.to_dict() for row in self.rows],
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "rule": RULE,
            "protocol": dict(self.protocol),
            "program": self.program,
            "program_rows": [row.to_dict() for row in self.program_rows],
            "differences": [row.to_dict() for row in self.differences],
        }


def audit_bonn(
    segments: Sequence[BonnSegment],
    task: Task,
    model_of_fold: ModelOfFold,
    weights: str,
    resets: Sequence[float] = RESETS,
    seed: int = SEED,
    program: Program | None = None,
    on_fold: Callable[[int, int], None] = lambda done, of: None,
) -> AuditResult:
    """Score a model on each fold's held-out files, which follow each other in one stream in seeded order.

    Parameters
    ----------
    segments : the whole set, in the order of `read_bonn`: the folds are file numbers.
    model_of_fold : the model whose weights have not seen the fold's held-out files, or the same for all.
    weights : what the weights were trained on, for the protocol.
    resets : periods in s.
    seed : of the order of files in the streams.
    program : what is made of the model and scored beside it, at the thresholds of the model.
    on_fold : called with the folds done and their number.

    Raises
    ------
    ModelError
        If the model does not give one causal, finite score a frame.
    RecordingError
        If a period is not longer than a window.
    """
    labelled = label_segments(segments, task)
    grid = WindowGrid.of_seconds(labelled.samples.shape[1], SFREQ)
    periods = _periods(resets, grid)
    names = (WINDOWED, CARRIED, *periods)
    scores: dict[str, list[DetectionScore]] = {name: [] for name in names}
    of_program: dict[str, list[DetectionScore]] = {name: [] for name in names}
    memories: list[Memory] = []
    folds = file_folds(labelled.ictal)
    for number, fold in enumerate(folds):
        model = model_of_fold(number)
        order = np.random.default_rng([seed, number]).permutation(fold.held_out)
        stream = labelled.take(order)
        threshold = _threshold(model, labelled, fold, grid)
        for name, outputs in _outputs(model, stream, grid, periods).items():
            scores[name].append(_score(stream, outputs, threshold))
        if program is not None:
            made = program.make(model, labelled.samples[fold.train])
            for name, outputs in _outputs(made, stream, grid, periods).items():
                of_program[name].append(_score(stream, outputs, threshold))
        memories.append(_memory(model, stream, grid))
        on_fold(number + 1, len(folds))
    rows = tuple(AuditRow.of(name, periods.get(name), scores[name]) for name in names)
    return AuditResult(
        task=task,
        hop_seconds=model.hop / SFREQ,
        memory=max(memories, key=lambda memory: (memory.lasting, memory.seconds)),
        rows=rows,
        verdicts=judge(rows),
        protocol=_protocol(weights, seed, grid),
        program=None if program is None else program.name,
        program_rows=()
        if program is None
        else tuple(AuditRow.of(name, periods.get(name), of_program[name]) for name in names),
    )


def _score(stream: LabelledSegments, outputs: NDArray[np.float32], threshold: float) -> DetectionScore:
    return score_windows(np.repeat(stream.ictal, outputs.shape[1]), outputs.ravel(), threshold)


def _protocol(weights: str, seed: int, grid: WindowGrid) -> dict[str, str | int | float]:
    return {
        "data": "Bonn, ictal S against Z, O, N, F (Andrzejak et al. 2001)",
        "split_unit": "file, before windowing",
        "folds": N_FOLDS,
        "fold_seed": SEED,
        "weights": weights,
        "stream": "the held-out files of a fold one after the other, in seeded order",
        "order_seed": seed,
        "window_s": 2.0,
        "overlap": 0.5,
        "windows_per_file": len(grid.stops),
        "threshold": "Youden's on the training files with windowed state, for every row",
        "spread": "standard deviation over folds",
        "limits": "single channel, the signal jumps and the label may change every 23.6 s, no patient codes: "
        "compares ways to handle the state, supports no clinical claim",
    }


def _periods(resets: Sequence[float], grid: WindowGrid) -> dict[str, float]:
    """Periods in s by the name of their row, in rising order."""
    shortest = grid.length / SFREQ
    for period in resets:
        if not shortest <= period < float("inf"):
            raise RecordingError(
                f"a reset every {period:g} s would cut every window of {shortest:.3g} s: give at least that"
            )
    return {f"reset every {period:g} s": period for period in sorted(set(resets))}


def _threshold(model: FrameScores, labelled: LabelledSegments, fold: Fold, grid: WindowGrid) -> float:
    """What an author who validates on windows would choose."""
    train = labelled.take(fold.train)
    outputs = _finite(windowed_outputs(model, train.samples, grid), WINDOWED)
    return youden_threshold(np.repeat(train.ictal, outputs.shape[1]), outputs.ravel())


def _outputs(
    model: FrameDetector, stream: LabelledSegments, grid: WindowGrid, periods: Mapping[str, float]
) -> dict[str, NDArray[np.float32]]:
    """Scores (n_files, n_windows) by the name of the row."""
    outputs = {
        WINDOWED: windowed_outputs(model, stream.samples, grid),
        CARRIED: stream_outputs(model, stream.samples, grid),
    }
    for name, period in periods.items():
        outputs[name] = stream_outputs(model, stream.samples, grid, int(period * SFREQ))
    return {name: _finite(values, name) for name, values in outputs.items()}


def _finite(outputs: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    if not np.isfinite(outputs).all():
        raise ModelError(
            f"audit: the model's score is NaN or infinite with its state {name}: limit the input or the "
            "state inside the model"
        )
    return outputs


def _memory(model: FrameScores, stream: LabelledSegments, grid: WindowGrid) -> Memory:
    samples = stream.samples.ravel()
    n_times = min(len(samples) - grid.length, int(PROBED_SECONDS * SFREQ))
    return measure_memory(model, samples[:n_times], samples[-grid.length :], SFREQ)
