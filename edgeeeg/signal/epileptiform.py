"""Epileptiform activity: 3 Hz spike-and-wave and seizures that evolve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SPIKE_WAVE_HZ = 3.0
SEIZURE_START_HZ = 12.0
SEIZURE_END_HZ = 3.0
SPIKE_SD_CYCLES = 0.045  # 15 ms at 3 Hz, a spike of 20-70 ms by the IFCN's definition


def spike_and_wave(phase: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spike-and-wave complex as a function of phase: a spike of height 1, then a slow wave of depth 0.6.

    Parameters
    ----------
    phase : ndarray
        In cycles; the spike peaks at 0.15.

    Returns
    -------
    ndarray, like phase
    """
    position = np.mod(phase, 1.0)
    spike = np.exp(-0.5 * ((position - 0.15) / SPIKE_SD_CYCLES) ** 2)
    wave = np.where(position > 0.3, np.sin(np.pi * (position - 0.3) / 0.7), 0.0)
    return np.asarray(spike - 0.6 * wave)


def spike_wave_burst(n_times: int, sfreq: float) -> NDArray[np.float64]:
    """Generalised 3 Hz spike-and-wave, slowing from 3.1 to 2.9 Hz, begun and ended within 0.1 s; spikes of 1.

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
    frequency = np.linspace(SPIKE_WAVE_HZ + 0.1, SPIKE_WAVE_HZ - 0.1, n_times)
    times = np.arange(n_times) / sfreq
    edges = np.clip(np.minimum(times, times[::-1]) / 0.1, 0, 1)
    return spike_and_wave(np.cumsum(frequency) / sfreq) * edges


def seizure_frequency(progress: NDArray[np.float64]) -> NDArray[np.float64]:
    """Instantaneous frequency in Hz at a progress from 0 to 1: a geometric glide from 12 Hz to 3 Hz."""
    return np.asarray(SEIZURE_START_HZ * (SEIZURE_END_HZ / SEIZURE_START_HZ) ** progress)


def evolving_seizure(rng: np.random.Generator, n_times: int, sfreq: float) -> NDArray[np.float64]:
    """Focal seizure that evolves: low fast rhythm at first, large slow sharp waves at the end, then an abrupt
    stop.

    Amplitude grows from a fifth to 1 over the first half. The waveform passes from a sinusoid to
    spike-and-wave, and frequency and amplitude fluctuate by about 4 % and 15 %, because a rhythm of the brain
    is no oscillator.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness: the fluctuations.
    n_times : int
        Samples.
    sfreq : float
        Sampling rate in Hz.

    Returns
    -------
    ndarray, shape (n_times,)
        Peaks near 1 from the middle on.
    """
    progress = np.arange(n_times) / n_times
    frequency = seizure_frequency(progress) * (1 + 0.04 * _fluctuation(rng, n_times, sfreq))
    phase = np.cumsum(frequency) / sfreq
    rhythmic = np.sin(2 * np.pi * phase)
    waveform = (1 - progress) * rhythmic + progress * spike_and_wave(phase)
    growth = np.clip(0.2 + 1.6 * progress, 0, 1)
    # The stop takes 0.2 s: clinically abrupt, yet without the step that would be an artefact.
    stop = np.clip((n_times - 1 - np.arange(n_times)) / (0.2 * sfreq), 0, 1)
    return np.asarray(waveform * growth * stop * (1 + 0.15 * _fluctuation(rng, n_times, sfreq)))


def _fluctuation(rng: np.random.Generator, n_times: int, sfreq: float) -> NDArray[np.float64]:
    """Slow random curve, one independent value per second joined by lines, clipped to two deviations."""
    knots = np.clip(rng.standard_normal(int(n_times / sfreq) + 2), -2, 2)
    return np.asarray(np.interp(np.arange(n_times) / sfreq, np.arange(knots.size), knots))
