"""Windows of 2 s with half overlap, cut from segments after these were split into folds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeeeg.errors import RecordingError


@dataclass(frozen=True, slots=True)
class WindowGrid:
    """Where the windows of a segment lie, in samples.

    Parameters
    ----------
    n_times : samples in a segment.
    length, shift : samples in a window, and from one window's start to the next.

    Raises
    ------
    RecordingError
        Where a segment is shorter than one window.
    """

    n_times: int
    length: int
    shift: int

    def __post_init__(self) -> None:
        if not (0 < self.length <= self.n_times and self.shift > 0):
            raise RecordingError(
                f"windows of {self.length} samples every {self.shift} do not fit segments of {self.n_times}"
            )

    @classmethod
    def of_seconds(cls, n_times: int, sfreq: float, window: float = 2.0, overlap: float = 0.5) -> WindowGrid:
        """Grid for a window in s, rounded down to samples, and an overlap as a fraction of it."""
        length = int(window * sfreq)
        return cls(n_times, length, int(length * (1 - overlap)))

    @property
    def stops(self) -> NDArray[np.intp]:
        """One past each window's last sample, (n_windows,)."""
        return np.arange(self.length, self.n_times + 1, self.shift)

    def cut(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Windows (n_files, n_windows, length) of segments (n_files, n_times), without a copy."""
        if samples.shape[-1] != self.n_times:
            raise RecordingError(f"windows: segments of {samples.shape[-1]} samples, expected {self.n_times}")
        views = np.lib.stride_tricks.sliding_window_view(samples, self.length, axis=-1)
        return views[:, :: self.shift]
