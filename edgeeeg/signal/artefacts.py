"""What is in EEG but not from the brain: blinks, muscle, electrode pops; and the EMG itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeeeg.signal.background import shaped_noise

MUSCLE_LOW_HZ = 20.0
# Surface EMG carries little beyond 450 Hz; slower recordings end at their own Nyquist frequency.
MUSCLE_HIGH_HZ = 450.0


def blink(n_times: int) -> NDArray[np.float64]:
    """Deflection of one blink, positive at the forehead, peak 1 after a third of its length.

    The lid's fast closing and slower opening give it a steeper front (corneo-retinal potential).

    Parameters
    ----------
    n_times : int
        Samples from start to end.

    Returns
    -------
    ndarray, shape (n_times,)
    """
    position = np.arange(n_times) / n_times
    warped = np.where(position < 1 / 3, position * 1.5, 0.5 + (position - 1 / 3) * 0.75)
    return np.asarray(np.sin(np.pi * warped) ** 2)


def muscle_noise(rng: np.random.Generator, n_times: int, sfreq: float) -> NDArray[np.float64]:
    """Motor unit noise of unit variance from 20 Hz to 450 Hz or nine tenths of the Nyquist frequency.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n_times : int
        Samples.
    sfreq : float
        Sampling rate in Hz.

    Returns
    -------
    ndarray, shape (n_times,)
    """
    freqs = np.fft.rfftfreq(n_times, 1 / sfreq)
    rising = 1 / (1 + (MUSCLE_LOW_HZ / np.maximum(freqs, 1e-9)) ** 8)
    falling = 1 / (1 + (freqs / min(MUSCLE_HIGH_HZ, 0.45 * sfreq)) ** 16)
    return np.asarray(shaped_noise(rng, 1, n_times, np.sqrt(rising * falling))[0])


def contraction(n_times: int, sfreq: float) -> NDArray[np.float64]:
    """Envelope of a muscle's contraction: 0 to 1 and back, each within 0.3 s or a third of it.

    Parameters
    ----------
    n_times : int
        Samples.
    sfreq : float
        Sampling rate in Hz.

    Returns
    -------
    ndarray, shape (n_times,)
    """
    ramp = max(1, min(round(0.3 * sfreq), n_times // 3))
    slope = np.sin(np.pi / 2 * (np.arange(ramp) + 0.5) / ramp) ** 2
    envelope = np.ones(n_times)
    envelope[:ramp] = slope
    envelope[-ramp:] = slope[::-1]
    return envelope


def electrode_pop(n_times: int, sfreq: float, decay_s: float) -> NDArray[np.float64]:
    """A jump of an electrode's contact potential and its decay through the amplifier's high-pass; peak 1.

    Parameters
    ----------
    n_times : int
        Samples from the jump on.
    sfreq : float
        Sampling rate in Hz.
    decay_s : float
        Time constant in s.

    Returns
    -------
    ndarray, shape (n_times,)
    """
    return np.asarray(np.exp(-np.arange(n_times) / (sfreq * decay_s)))
