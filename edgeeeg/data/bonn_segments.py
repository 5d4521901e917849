"""The Bonn set as arrays for training: one row a file, in µV or amplitude-normalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgeeeg.errors import RecordingError
from edgeeeg.signal.bonn import BonnSegment

Task = Literal["raw", "normalised"]
TASKS: tuple[Task, ...] = ("raw", "normalised")


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSegments:
    """Equally long single-channel segments with one label each.

    Parameters
    ----------
    samples : (n_files, n_times) float32, µV for the task "raw", z for "normalised".
    ictal : (n_files,) bool.

    Raises
    ------
    RecordingError
        Where the two disagree, or one class is absent.
    """

    samples: NDArray[np.float32]
    ictal: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.ictal.shape != self.samples.shape[:1]:
            raise RecordingError(
                f"segments: samples {self.samples.shape} and labels {self.ictal.shape} do not fit; "
                "expected (n_files, n_times) and (n_files,)"
            )
        if self.ictal.all() or not self.ictal.any():
            raise RecordingError(
                "segments: both ictal and other files are needed to train or score a detector"
            )

    def take(self, files: NDArray[np.intp]) -> LabelledSegments:
        """Those files alone."""
        return LabelledSegments(self.samples[files], self.ictal[files])


def label_segments(segments: Sequence[BonnSegment], task: Task) -> LabelledSegments:
    """Arrays for one task: S is ictal; "normalised" scales each segment to zero mean and unit variance.

    The normalisation uses the whole 23.6 s, so no stream could compute it: it exists to take away
    what amplitude alone tells.

    Raises
    ------
    RecordingError
        For an unknown task.
    """
    if task not in TASKS:
        raise RecordingError(f"task {task!r} is unknown: use one of {', '.join(TASKS)}")
    recordings = [segment.recording for segment in segments]
    if task == "normalised":
        recordings = [recording.zscored() for recording in recordings]
    return LabelledSegments(
        np.concatenate([recording.data for recording in recordings]),
        np.array([segment.ictal for segment in segments]),
    )
