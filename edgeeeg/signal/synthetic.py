"""Synthetic EEG with known events, for demonstrations and tests: never evidence about patients."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeeeg.errors import RecordingError
from edgeeeg.signal.artefacts import blink, contraction, electrode_pop, muscle_noise
from edgeeeg.signal.background import alpha_burst, aperiodic_background
from edgeeeg.signal.epileptiform import evolving_seizure, spike_wave_burst
from edgeeeg.signal.recording import Recording
from edgeeeg.signal.scalp import FOREHEAD, OCCIPUT, Scalp, spread
from edgeeeg.signal.schedule import Interval, Schedule, draw_schedule

# A spike lasts 15 ms (SD): below this rate it would fall between samples.
MIN_SFREQ = 100.0

# Typical sizes on the scalp, in µV.
BACKGROUND_SD = 30.0
ALPHA_AMPLITUDE = 45.0
SPIKE_WAVE_PEAK = 250.0
SEIZURE_PEAK = (250.0, 400.0)
BLINK_PEAK = (100.0, 200.0)
MUSCLE_SD = (30.0, 60.0)
POP_PEAK = (150.0, 400.0)
EMG_REST_SD = 5.0
EMG_CONTRACTION_SD = 100.0

# How far sources reach, in head radii; a seizure's reach grows while it lasts.
ALPHA_WIDTH = 1.1
SPIKE_WAVE_WIDTH = 0.9
SEIZURE_WIDTH = (0.5, 1.6)
BLINK_WIDTH = 0.7
MUSCLE_WIDTH = 0.5


def synthesize(
    duration: float = 600.0,
    sfreq: float = 173.61,
    ch_names: Sequence[str] = ("EEG",),
    seed: int = 0,
    *,
    seizures: Sequence[Interval] | None = None,
    spike_wave: Sequence[Interval] | None = None,
    artefacts: bool = True,
) -> Recording:
    """Recording of 1/f background, alpha, spike-and-wave, evolving seizures and artefacts, all annotated.

    The same arguments give the same samples bit for bit with the same NumPy build (generator PCG64, one
    independent stream per kind of event).

    Parameters
    ----------
    duration : float
        Length in s.
    sfreq : float
        Sampling rate in Hz, at least 100.
    ch_names : sequence of str
        Electrodes of the 10-20 or 10-10 system, over which sources spread, or a single channel of any name,
        which lies at the vertex. Names that begin with ``EMG`` become muscle channels.
    seed : int
        Seed.
    seizures, spike_wave : sequence of (onset, duration) in s, optional
        When they happen; drawn when left out: see `draw_schedule`.
    artefacts : bool
        Whether there are blinks, muscle bursts and electrode pops.

    Returns
    -------
    Recording
        In µV, annotated with ``seizure``, ``spike-wave``, ``alpha``, ``blink``, ``muscle``, ``electrode
        pop``.

    Raises
    ------
    RecordingError
        If the rate is too low, the length is not positive, or a channel or interval does not fit.
    """
    if not (math.isfinite(sfreq) and sfreq >= MIN_SFREQ):
        raise RecordingError(f"synthetic EEG needs a rate of at least {MIN_SFREQ:g} Hz, not {sfreq:g} Hz")
    if not (math.isfinite(duration) and duration >= 1):
        raise RecordingError(f"synthetic EEG lasts at least 1 s, not {duration:g} s")
    is_emg = np.array([name.upper().startswith("EMG") for name in ch_names])
    eeg_names = tuple(name for name, emg in zip(ch_names, is_emg, strict=True) if not emg)
    if not eeg_names:
        raise RecordingError("synthetic EEG needs at least one channel that is not EMG")
    schedule_rng, brain_rng, artefact_rng, emg_rng = (
        np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(4)
    )
    schedule = draw_schedule(schedule_rng, duration, seizures, spike_wave, artefacts)
    scalp = Scalp(eeg_names, round(duration * sfreq), sfreq)
    _add_brain(scalp, brain_rng, schedule)
    _add_artefacts(scalp, artefact_rng, schedule)
    data = np.empty((len(ch_names), scalp.n_times))
    data[~is_emg] = scalp.data
    for row in np.flatnonzero(is_emg):
        data[row] = _emg(emg_rng, schedule, scalp)
    return Recording(
        data.astype(np.float32),
        tuple(ch_names),
        sfreq,
        tuple(sorted(scalp.annotations, key=lambda annotation: annotation.onset)),
        source=f"synthetic, seed {seed}",
    )


def _add_brain(scalp: Scalp, rng: np.random.Generator, schedule: Schedule) -> None:
    scalp.data += aperiodic_background(rng, scalp.positions, scalp.n_times, scalp.sfreq, BACKGROUND_SD)
    for event in schedule.alpha:
        waveform = alpha_burst(rng, scalp.length(event), scalp.sfreq, ALPHA_AMPLITUDE)
        scalp.add(event, "alpha", spread(scalp.positions, OCCIPUT, ALPHA_WIDTH) * waveform)
    for event in schedule.spike_wave:
        # Generalised, with its maximum frontally.
        gains = 0.5 + 0.5 * spread(scalp.positions, FOREHEAD, SPIKE_WAVE_WIDTH)
        waveform = SPIKE_WAVE_PEAK * spike_wave_burst(scalp.length(event), scalp.sfreq)
        scalp.add(event, "spike-wave", gains * waveform)
    for event in schedule.seizures:
        n_times = scalp.length(event)
        focus = scalp.positions[rng.integers(len(scalp.positions))]
        gains = spread(scalp.positions, focus, np.linspace(*SEIZURE_WIDTH, n_times))
        waveform = rng.uniform(*SEIZURE_PEAK) * evolving_seizure(rng, n_times, scalp.sfreq)
        scalp.add(event, "seizure", gains * waveform)


def _add_artefacts(scalp: Scalp, rng: np.random.Generator, schedule: Schedule) -> None:
    for event in schedule.blinks:
        waveform = rng.uniform(*BLINK_PEAK) * blink(scalp.length(event))
        scalp.add(event, "blink", spread(scalp.positions, FOREHEAD, BLINK_WIDTH) * waveform)
    for event in schedule.muscle:
        n_times = scalp.length(event)
        focus = scalp.positions[rng.integers(len(scalp.positions))]
        noise = contraction(n_times, scalp.sfreq) * muscle_noise(rng, n_times, scalp.sfreq)
        gains = spread(scalp.positions, focus, MUSCLE_WIDTH)
        scalp.add(event, "muscle", gains * rng.uniform(*MUSCLE_SD) * noise)
    for event in schedule.pops:
        row = int(rng.integers(len(scalp.positions)))
        gains = np.zeros((len(scalp.positions), 1))
        gains[row] = rng.uniform(*POP_PEAK) * rng.choice((-1.0, 1.0))
        waveform = electrode_pop(scalp.length(event), scalp.sfreq, decay_s=rng.uniform(0.2, 0.4))
        scalp.add(event, "electrode pop", gains * waveform, (scalp.ch_names[row],))


def _emg(rng: np.random.Generator, schedule: Schedule, scalp: Scalp) -> NDArray[np.float64]:
    """Muscle channel: rest, contractions with the muscle bursts, and half as strong ones with seizures."""
    deviation = np.full(scalp.n_times, EMG_REST_SD)
    for events, strength in ((schedule.muscle, 1.0), (schedule.seizures, 0.5)):
        for event in events:
            envelope = contraction(scalp.length(event), scalp.sfreq)
            deviation[scalp.span(event)] += strength * EMG_CONTRACTION_SD * envelope
    return deviation * muscle_noise(rng, scalp.n_times, scalp.sfreq)
