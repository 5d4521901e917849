"""The detector and two baselines on the same folds of the Bonn set, in the same run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeeeg.data.bonn_segments import LabelledSegments, Task, label_segments
from edgeeeg.data.folds import N_FOLDS, SEED, Fold, file_folds
from edgeeeg.data.windows import WindowGrid
from edgeeeg.errors import ModelError
from edgeeeg.evaluation.detection_scores import DetectionScore, Spread, score_windows
from edgeeeg.evaluation.window_outputs import SEMANTICS, Semantics, window_outputs
from edgeeeg.models.pretrained import WEIGHTS, load_pretrained, weights_file
from edgeeeg.signal.bonn import SFREQ, BonnSegment
from edgeeeg.training.baselines import BASELINES, score_baseline, window_features

HEADLINE: Semantics = "carried"
"""The semantics of the scores at the top of the result: what the deployed stream does."""

PROTOCOL: dict[str, str | int | float] = {
    "data": "Bonn, ictal S against Z, O, N, F (Andrzejak et al. 2001)",
    "split_unit": "file, before windowing",
    "folds": N_FOLDS,
    "seed": SEED,
    "window_s": 2.0,
    "overlap": 0.5,
    "threshold": "Youden's, on the training files",
    "sd": "over folds",
    "limits": "single channel, no patient codes, no continuous recordings: supports no clinical claim",
}


@dataclass(frozen=True, slots=True)
class Scores:
    """Spread over the folds of each score."""

    auc: Spread
    sensitivity: Spread
    specificity: Spread

    @classmethod
    def of(cls, folds: Sequence[DetectionScore]) -> Scores:
        """Spreads of one score a fold."""
        return cls(
            auc=Spread.of([fold.auc for fold in folds]),
            sensitivity=Spread.of([fold.sensitivity for fold in folds]),
            specificity=Spread.of([fold.specificity for fold in folds]),
        )

    def to_dict(self) -> dict[str, Any]:
        """The same as plain types, for JSON."""
        return {
            "auc": self.auc.to_dict(),
            "sensitivity": self.sensitivity.to_dict(),
            "specificity": self.specificity.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One task's scores on held-out files.

    Parameters
    ----------
    detector : scores for each semantics of the state, "windowed" and "carried".
    baselines : scores of "logistic_regression" and "boosted_trees", which see 2 s as "windowed" does.
    """

    task: Task
    detector: dict[Semantics, Scores]
    baselines: dict[str, Scores]

    def to_dict(self) -> dict[str, Any]:
        """The headline's scores, both semantics, the baselines and the protocol as plain types, for JSON."""
        return {
            "task": self.task,
            **self.detector[HEADLINE].to_dict(),
            "semantics": HEADLINE,
            **{semantics: scores.to_dict() for semantics, scores in self.detector.items()},
            "baselines": {name: scores.to_dict() for name, scores in self.baselines.items()},
            "protocol": dict(PROTOCOL),
        }


def evaluate_bonn(
    segments: Sequence[BonnSegment],
    task: Task,
    weights: Path = WEIGHTS,
    on_fold: Callable[[int, int], None] = lambda done, of: None,
) -> TaskResult:
    """Score the fold weights on the files that they were not trained on, beside the baselines fitted anew.

    Parameters
    ----------
    segments : the whole set, in the order of `read_bonn`: the folds are file numbers.
    weights : folder of the fold weights.
    on_fold : called with the folds done and their number.

    Raises
    ------
    ModelError
        For fold weights that are missing, corrupt, or without a threshold.
    """
    labelled = label_segments(segments, task)
    grid = WindowGrid.of_seconds(labelled.samples.shape[1], SFREQ)
    features = window_features(grid.cut(labelled.samples), SFREQ)
    detector: dict[Semantics, list[DetectionScore]] = {semantics: [] for semantics in SEMANTICS}
    baselines: dict[str, list[DetectionScore]] = {name: [] for name in BASELINES}
    folds = file_folds(labelled.ictal)
    for number, fold in enumerate(folds):
        for semantics, score in _score_detector(labelled, task, number, fold, grid, weights).items():
            detector[semantics].append(score)
        for name in BASELINES:
            baselines[name].append(score_baseline(name, features, labelled.ictal, fold))
        on_fold(number + 1, len(folds))
    return TaskResult(
        task,
        {semantics: Scores.of(scores) for semantics, scores in detector.items()},
        {name: Scores.of(scores) for name, scores in baselines.items()},
    )


def _score_detector(
    labelled: LabelledSegments, task: Task, number: int, fold: Fold, grid: WindowGrid, weights: Path
) -> dict[Semantics, DetectionScore]:
    pretrained = load_pretrained(task, number, weights)
    held_out = labelled.take(fold.held_out)
    scores: dict[Semantics, DetectionScore] = {}
    for semantics in SEMANTICS:
        if semantics not in pretrained.thresholds:
            raise ModelError(
                f"weights {weights_file(task, number, weights)} hold no threshold for {semantics} state: "
                "train them anew with `edgeeeg train`"
            )
        outputs = window_outputs(pretrained.model, held_out.samples, grid, semantics)
        windows_ictal = np.repeat(held_out.ictal, outputs.shape[1])
        scores[semantics] = score_windows(windows_ictal, outputs.ravel(), pretrained.thresholds[semantics])
    return scores
