"""What a layer hears in an hour: EEG, inputs of ±10,000, and silence."""

from __future__ import annotations

import numpy as np

from edgeeeg_bench.soak.eeg import LSB as EEG_LSB
from edgeeeg_bench.soak.eeg import Counts, hour_counts
from edgeeeg_bench.soak.side_by_side import RATE

LOUD = 1e4
LSB = LOUD / 32767
"""A layer's input per count: full scale is ±10,000."""

EEG_UNIT = 30.0
"""µV of EEG that count as 1 in front of a layer, about its standard deviation."""

LOUD_SECONDS, SILENT_SECONDS = 1 / 60, 1 / 6
"""Parts of each hour, in the middle and from there on: loud, then silent."""


def layer_counts(hour: int, seconds: int, seed: int) -> Counts:
    """One hour's samples, (seconds · 256, 3): synthetic EEG with artefacts, a loud stretch, and silence.

    The loud stretch holds full-scale noise, then steps between both ends that last whole frames.

    Parameters
    ----------
    hour : number of the hour, from 0.
    seconds : its length, 3600 but in a test.
    seed : of the soak.
    """
    eeg = hour_counts(hour, seconds, seed, ())
    # a count of the amplifier is far less than one here: the artefacts stay within the scale
    counts = np.round(eeg * (EEG_LSB / EEG_UNIT / LSB)).astype(np.int16)
    rng = np.random.default_rng((seed, hour))
    start = len(counts) // 2
    half = max(1, round(seconds * LOUD_SECONDS / 2)) * RATE
    counts[start : start + half] = rng.integers(-32767, 32768, (half, counts.shape[1]))
    steps = rng.choice(np.array([-32767, 0, 32767], np.int16), (half // 32, counts.shape[1]))
    counts[start + half : start + 2 * half] = np.repeat(steps, 32, axis=0)
    silent = round(seconds * SILENT_SECONDS) * RATE
    counts[start + 2 * half : start + 2 * half + silent] = 0
    return counts
