"""Samples that amplifiers produce and training data do not: saturation, steps, silence, a single count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FULL = 32767
SILENCE_SECONDS = 60.0  # long enough for decaying states to pass through the subnormal numbers


def adversarial_counts(n_chans: int, sfreq: float, seed: int = 0) -> NDArray[np.int16]:
    """About a hundred seconds of int16 counts (n_times, n_chans) that try a program's numbers.

    White noise over the full range, saturation at either end, steps between the ends, the fastest
    alternation, a ramp, an impulse, long silence in which every state decays, and the smallest signal.
    """
    rng = np.random.default_rng(seed)
    second = max(1, round(sfreq))
    alternating = np.where(np.arange(5 * second) % 2 == 0, FULL, -FULL)
    impulse = np.zeros(second)
    impulse[0] = FULL
    parts = [
        np.full(5 * second, FULL),
        np.full(5 * second, -FULL - 1),
        np.repeat([FULL, -FULL] * 5, second),
        alternating,
        np.linspace(-FULL, FULL, 5 * second),
        impulse,
        np.zeros(round(SILENCE_SECONDS * sfreq)),
        rng.integers(-1, 2, 5 * second),
    ]
    same = np.concatenate(parts)[:, None].repeat(n_chans, axis=1)
    noise = rng.integers(-FULL, FULL + 1, (5 * second, n_chans))
    return np.concatenate([noise, same]).astype(np.int16)
