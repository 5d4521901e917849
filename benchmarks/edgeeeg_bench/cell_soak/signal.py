"""What a layer hears in an hour: inputs of ±10,000, silence, and EEG."""

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

LOUD_PART, SILENT_PART = 1 / 60, 1 / 6
"""Of each hour, which begins with them."""


def eeg_since(seconds: int) -> int:
    """The second of an hour of `seconds` from which on it is EEG."""
    return 2 * max(1, round(seconds * LOUD_PART / 2)) + round(seconds * SILENT_PART)


def layer_counts(hour: int, seconds: int, seed: int) -> Counts:
    """One hour's samples, (seconds · 256, 3): a loud stretch, silence, and synthetic EEG with artefacts.

    The loud stretch is full-scale noise, then steps between both ends that last four frames.

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
    half = max(1, round(seconds * LOUD_PART / 2)) * RATE
    counts[:half] = rng.integers(-32767, 32768, (half, counts.shape[1]))
    steps = rng.choice(np.array([-32767, 0, 32767], np.int16), (half // 32, counts.shape[1]))
    counts[half : 2 * half] = np.repeat(steps, 32, axis=0)
    counts[2 * half : eeg_since(seconds) * RATE] = 0
    return counts
