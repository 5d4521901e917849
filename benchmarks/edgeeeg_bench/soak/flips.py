"""Flip episodes over a whole day: where a spike of one run is missing in the other, and what follows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Marks = NDArray[np.bool_]


def flip_episodes(flipped: Marks, apart: Marks, settled: int) -> tuple[tuple[int, int], ...]:
    """Stretches [start, stop) of steps that a flipped spike begins, (n_steps,) marks in.

    One ends where the runs have agreed again for `settled` steps: the definition of the contract (SPEC.md,
    section 7), in one pass over millions of steps.

    Parameters
    ----------
    flipped : steps with a differing spike.
    apart : steps whose outputs are over the tolerance; a flipped step is apart by itself.
    """
    differing = np.flatnonzero(flipped | apart)
    breaks = np.flatnonzero(np.diff(differing) > settled) + 1
    spans = []
    for first, last in pairwise((0, *breaks.tolist(), len(differing))):
        group = differing[first:last]
        starts = group[flipped[group]]
        if len(starts):
            spans.append((int(starts[0]), int(group[-1]) + 1))
    return tuple(spans)


def inside(spans: tuple[tuple[int, int], ...], n_steps: int) -> Marks:
    """Which of the steps lie in an episode."""
    marks = np.zeros(n_steps, dtype=bool)
    for start, stop in spans:
        marks[start:stop] = True
    return marks
