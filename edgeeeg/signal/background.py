"""Ongoing EEG: the 1/f background and the alpha rhythm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeeeg.signal.scalp import spread

APERIODIC_EXPONENT = 1.5  # of power; 1 to 2 in awake adults (Donoghue et al. 2020, Nat. Neurosci. 23:1655)
CORNER_HZ = 0.5  # below it the spectrum is flat, as after an amplifier's high-pass
BACKGROUND_WIDTH = 0.45  # head radii: neighbours of the 10-20 system correlate, opposite sides hardly do


def shaped_noise(
    rng: np.random.Generator, n_chans: int, n_times: int, amplitude: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Gaussian noise with a given amplitude spectrum, scaled to unit variance.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n_chans, n_times : int
        Shape; channels are independent.
    amplitude : ndarray, shape (n_times // 2 + 1,)
        Relative amplitude at each frequency of the real Fourier transform.

    Returns
    -------
    ndarray, shape (n_chans, n_times)
    """
    spectrum = np.fft.rfft(rng.standard_normal((n_chans, n_times)), axis=1) * amplitude
    noise = np.fft.irfft(spectrum, n=n_times, axis=1)
    return np.asarray(noise / noise.std(axis=1, keepdims=True))


def aperiodic_background(
    rng: np.random.Generator, positions: NDArray[np.float64], n_times: int, sfreq: float, sd_uv: float
) -> NDArray[np.float64]:
    """1/f^1.5 power above 0.5 Hz, correlated between neighbouring channels.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    positions : ndarray, shape (n_chans, 3)
        Channels on the unit sphere.
    n_times : int
        Samples.
    sfreq : float
        Sampling rate in Hz.
    sd_uv : float
        Standard deviation of every channel in µV.

    Returns
    -------
    ndarray, shape (n_chans, n_times), in µV
    """
    freqs = np.fft.rfftfreq(n_times, 1 / sfreq)
    amplitude = np.maximum(freqs, CORNER_HZ) ** (-APERIODIC_EXPONENT / 2)
    amplitude[0] = 0  # no offset
    sources = shaped_noise(rng, len(positions), n_times, amplitude)
    gains = np.concatenate([spread(positions, source, BACKGROUND_WIDTH) for source in positions], axis=1)
    mixed = gains @ sources
    return np.asarray(sd_uv * mixed / mixed.std(axis=1, keepdims=True))


def alpha_burst(
    rng: np.random.Generator, n_times: int, sfreq: float, amplitude_uv: float
) -> NDArray[np.float64]:
    """One waxing and waning spindle of the alpha rhythm, 9 to 11 Hz.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness: frequency and phase.
    n_times : int
        Samples.
    sfreq : float
        Sampling rate in Hz.
    amplitude_uv : float
        Amplitude in the middle, in µV.

    Returns
    -------
    ndarray, shape (n_times,), in µV
    """
    frequency = rng.uniform(9.0, 11.0)
    phase = rng.uniform(0, 2 * np.pi)
    times = np.arange(n_times) / sfreq
    return np.asarray(amplitude_uv * np.hanning(n_times) * np.sin(2 * np.pi * frequency * times + phase))
