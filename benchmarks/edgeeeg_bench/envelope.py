"""Thinning a signal for a plot without losing its peaks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def envelope(signal: NDArray[np.float32], n_points: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return indices and values of at most `n_points` samples of a signal (n_times,): each bin's extremes.

    A spike of one sample survives, which plain decimation would drop and averaging would flatten. A signal
    that is short enough comes back whole.
    """
    n_times = signal.shape[0]
    if n_times <= n_points:
        return np.arange(n_times), signal
    n_bins = max(1, n_points // 2)
    edges = np.linspace(0, n_times, n_bins + 1).astype(np.intp)
    extremes = [
        start + offset
        for start, stop in pairwise(edges.tolist())
        for offset in sorted({int(signal[start:stop].argmin()), int(signal[start:stop].argmax())})
    ]
    indices = np.asarray(extremes, dtype=np.intp)
    return indices, signal[indices]
