"""When the events of a synthetic recording happen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgeeeg.errors import RecordingError

Interval = tuple[float, float]
"""Onset and duration in s."""

SEIZURE_EVERY_S = 150.0
SHORTEST_WITH_SEIZURE_S = 60.0
PLACEMENT_ATTEMPTS = 50


@dataclass(frozen=True, slots=True)
class Schedule:
    """Onsets and durations in s of everything that happens.

    Parameters
    ----------
    seizures, spike_wave, alpha, blinks, muscle, pops : tuple of Interval
        In order of onset. Seizures, spike-and-wave and muscle bursts do not overlap one another.
    """

    seizures: tuple[Interval, ...]
    spike_wave: tuple[Interval, ...]
    alpha: tuple[Interval, ...]
    blinks: tuple[Interval, ...]
    muscle: tuple[Interval, ...]
    pops: tuple[Interval, ...]


def draw_schedule(
    rng: np.random.Generator,
    duration: float,
    seizures: Sequence[Interval] | None,
    spike_wave: Sequence[Interval] | None,
    artefacts: bool,
) -> Schedule:
    """Draw what the caller leaves open.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    duration : float
        Length of the recording in s.
    seizures : sequence of Interval, optional
        Given intervals; when left out, one of 25 to 40 s in every 150 s, none in less than a minute.
    spike_wave : sequence of Interval, optional
        Given intervals; when left out, a burst of 3 to 8 s in every 120 s.
    artefacts : bool
        Whether there are blinks, muscle bursts and electrode pops.

    Raises
    ------
    RecordingError
        If a given interval leaves the recording or has no length.
    """
    if seizures is None:
        seizures = _draw_seizures(rng, duration)
    seizures = _inside("seizure", seizures, duration)
    if spike_wave is None:
        spike_wave = _place(rng, duration / 120, (3.0, 8.0), duration, seizures)
    spike_wave = _inside("spike-and-wave burst", spike_wave, duration)
    alpha = _place(rng, duration / 6, (1.5, 4.0), duration, seizures + spike_wave)
    if not artefacts:
        return Schedule(seizures, spike_wave, alpha, (), (), ())
    return Schedule(
        seizures,
        spike_wave,
        alpha,
        blinks=_place(rng, duration / 5, (0.25, 0.4), duration, ()),
        muscle=_place(rng, duration / 60, (2.0, 6.0), duration, seizures + spike_wave),
        pops=_place(rng, duration / 90, (1.5, 1.5), duration, ()),
    )


def _draw_seizures(rng: np.random.Generator, duration: float) -> tuple[Interval, ...]:
    if duration < SHORTEST_WITH_SEIZURE_S:
        return ()
    n_seizures = max(1, int(duration / SEIZURE_EVERY_S))
    slot = duration / n_seizures
    drawn = []
    for index in range(n_seizures):
        length = rng.uniform(25.0, 40.0)
        # 10 s of background before and 5 s after, so that neighbours never join and each has an onset to
        # detect.
        drawn.append((index * slot + rng.uniform(10.0, slot - length - 5.0), length))
    return tuple(drawn)


def _place(
    rng: np.random.Generator,
    expected: float,
    lengths: tuple[float, float],
    duration: float,
    occupied: tuple[Interval, ...],
) -> tuple[Interval, ...]:
    """At most round(expected) intervals that overlap neither what is occupied nor each other."""
    placed: list[Interval] = []
    for _ in range(round(expected)):
        for _ in range(PLACEMENT_ATTEMPTS):
            length = float(rng.uniform(*lengths))
            onset = float(rng.uniform(0, max(duration - length, 0)))
            fits = onset + length <= duration
            if fits and not any(_overlap((onset, length), other) for other in (*occupied, *placed)):
                placed.append((onset, length))
                break
    return tuple(sorted(placed))


def _overlap(one: Interval, other: Interval) -> bool:
    return one[0] < other[0] + other[1] and other[0] < one[0] + one[1]


def _inside(what: str, intervals: Sequence[Interval], duration: float) -> tuple[Interval, ...]:
    for onset, length in intervals:
        if onset < 0 or length <= 0 or onset + length > duration:
            raise RecordingError(
                f"a {what} of {length:g} s at {onset:g} s does not lie within the recording's 0 .. "
                f"{duration:g} s"
            )
    return tuple(sorted((float(onset), float(length)) for onset, length in intervals))
