"""The EEG of a soak, hour by hour: seeded synthetic EEG with artefacts, then real excerpts, looped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeeeg.signal import read_edf, synthesize
from edgeeeg.signal.recording import Recording

Counts = NDArray[np.int16]

SFREQ = 256.0  # Hz
LSB = 0.125  # µV per count
CH_NAMES = ("Fz", "C3", "O2")
CHB_CH_NAMES = ("FZ-CZ", "C3-P3", "P8-O2")
"""Derivations of CHB-MIT that stand for the three electrodes."""

REAL_SHARE = 1 / 3
"""Part of each hour that is real where excerpts are at hand: every hour has the same, so hours compare."""


def synthetic(seconds: float, seed: int) -> Recording:
    """Three channels at 256 Hz in µV: background, alpha, spike-and-wave, seizures, blinks, muscle, pops."""
    return synthesize(seconds, SFREQ, CH_NAMES, seed)


def read_excerpts(folder: Path) -> tuple[Counts, ...]:
    """The unlabelled EDF excerpts of CHB-MIT in a folder, (n_times, 3) counts each; none if there are none.

    Raises
    ------
    RecordingError
        For a file that is damaged, of another rate, or lacks one of the derivations.
    """
    excerpts = []
    for path in sorted(folder.glob("unlabelled-*.edf")):
        eeg = read_edf(path).pick(CHB_CH_NAMES)
        eeg.require_sfreq(SFREQ)
        excerpts.append(to_counts(eeg))
    return tuple(excerpts)


def hour_counts(hour: int, seconds: int, seed: int, excerpts: Sequence[Counts]) -> Counts:
    """One hour's samples, (seconds · 256, 3): synthetic EEG of its own seed, then the excerpts in turn.

    Parameters
    ----------
    hour : number of the hour, from 0.
    seconds : its length, 3600 but in a test.
    seed : of the soak.
    """
    real = round(seconds * REAL_SHARE * SFREQ) if excerpts else 0
    eeg = to_counts(synthetic(seconds - real / SFREQ, seed + hour))
    if not real:
        return eeg
    looped = np.concatenate(excerpts)
    return np.concatenate([eeg, np.resize(looped, (real, eeg.shape[1]))])


def to_counts(eeg: Recording) -> Counts:
    """Interleaved counts (n_times, n_chans); an electrode pop may saturate, as it does in an amplifier."""
    return eeg.to_int16(LSB, allow_clipping=True)[0]
