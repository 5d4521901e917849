"""All trainings that the shipped weights come from: a set for each fold, and a final one on all files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from edgeeeg.data.bonn_segments import Task, label_segments
from edgeeeg.data.folds import N_FOLDS, file_folds
from edgeeeg.models.pretrained import save_pretrained, weights_file
from edgeeeg.signal.bonn import SFREQ, BonnSegment
from edgeeeg.training.fit import TrainingSettings, train_detector


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One training: a task, and the fold whose held-out files it never sees, or None for all files."""

    task: Task
    fold: int | None

    @property
    def name(self) -> str:
        """Name for people, such as "raw fold 3"."""
        return f"{self.task} all files" if self.fold is None else f"{self.task} fold {self.fold}"


def plan_runs(tasks: Sequence[Task], with_folds: bool) -> tuple[TrainingRun, ...]:
    """The runs of each task in order, its folds first."""
    folds = (*range(N_FOLDS), None) if with_folds else (None,)
    return tuple(TrainingRun(task, fold) for task in tasks for fold in folds)


def train_bonn(
    segments: Sequence[BonnSegment],
    runs: Sequence[TrainingRun],
    out: Path,
    settings: TrainingSettings,
    on_epoch: Callable[[TrainingRun, float], None] = lambda run, loss: None,
) -> Iterator[Path]:
    """Train each run and yield its weights file as it is written; what was written stays if the caller stops.

    Parameters
    ----------
    segments : the whole set, in the order of `read_bonn`: the folds are file numbers.
    on_epoch : called with the run and its mean loss after each epoch.
    """
    for run in runs:
        labelled = label_segments(segments, run.task)
        files = (
            np.arange(len(labelled.ictal)) if run.fold is None else file_folds(labelled.ictal)[run.fold].train
        )
        trained = train_detector(labelled.take(files), run.task, SFREQ, settings, partial(on_epoch, run))
        path = weights_file(run.task, run.fold, out)
        save_pretrained(trained, path)
        yield path
