"""What a soak found: the distance of float32 from float64 by hour, and whether it grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeeeg_bench.soak.flips import Marks, flip_episodes, inside
from edgeeeg_bench.soak.stretch import Stretch
from edgeeeg_export.comparison import SETTLED_SECONDS, TOLERANCE
from edgeeeg_export.drift import error_curve, growth

MAX_GROWTH = 2.0
"""Largest ratio of the last quarter's error to the first's: above the scatter between hours of different EEG,
below the 2.5 of an error that walks at random and the 6 of one that grows steadily."""

RULE = (
    "of outputs and of every state, the median over the last quarter of the hours is at most "
    f"{MAX_GROWTH:g} times that over the first quarter: of each hour's median error, and of each hour's "
    "largest error outside flip episodes"
)


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """|float32 - float64| along one hour, or several.

    Parameters
    ----------
    outputs : (n_steps,) float64, of the probability.
    flips : (n_steps,) spikes that one run has and the other has not.
    states : (n_seconds, n_states) float64, the largest of each state's numbers at the end of each second.
    """

    outputs: NDArray[np.float64]
    flips: NDArray[np.int64]
    states: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """One quantity's error, a value an hour."""

    median: tuple[float, ...]
    maximum: tuple[float, ...]
    outside_episodes: tuple[float, ...]

    @property
    def growth(self) -> float:
        """The larger growth of the typical error and of the largest outside flip episodes."""
        return max(growth(self.median), growth(self.outside_episodes))

    def to_json(self) -> dict[str, Any]:
        """The curve as JSON values; a growth from nothing is None."""
        ratio = self.growth
        return {
            "median": list(self.median),
            "max": list(self.maximum),
            "max_outside_episodes": list(self.outside_episodes),
            "growth": ratio if np.isfinite(ratio) else None,
        }


@dataclass(frozen=True, slots=True)
class Day:
    """All hours of one soak.

    Parameters
    ----------
    output : error of the probability.
    states : error of each state by its name.
    flips, episodes : flipped spikes, and the episodes that begin, in each hour.
    episode_seconds : all episodes together, in s.
    stretches : the comparisons with the NumPy reference.
    """

    output: Curve
    states: dict[str, Curve]
    flips: tuple[int, ...]
    episodes: tuple[int, ...]
    episode_seconds: float
    stretches: tuple[Stretch, ...]

    @property
    def bit_identical(self) -> bool:
        """Whether C gave the reference's bits on every stretch."""
        return all(stretch.holds for stretch in self.stretches)

    @property
    def steady(self) -> bool:
        """Whether no error grows, by the rule."""
        return all(curve.growth <= MAX_GROWTH for curve in (self.output, *self.states.values()))

    def to_json(self) -> dict[str, Any]:
        """The result and its curves as JSON values."""
        return {
            "bit_identical": self.bit_identical,
            "stretches": len(self.stretches),
            "stretch_seconds": sum(stretch.seconds for stretch in self.stretches),
            "stretches_that_differ": [stretch.start for stretch in self.stretches if not stretch.holds],
            "steady": self.steady,
            "rule": RULE,
            "spike_flips": sum(self.flips),
            "flip_episodes": sum(self.episodes),
            "flip_episode_seconds": self.episode_seconds,
            "flips_per_hour": list(self.flips),
            "output": self.output.to_json(),
            "states": {name: curve.to_json() for name, curve in self.states.items()},
        }


def summarize(
    hours: list[Errors], states: tuple[str, ...], stretches: list[Stretch], steps_per_second: int
) -> Day:
    """Join the hours of one stream, equally long, and find its flip episodes and curves.

    Parameters
    ----------
    states : names of the columns of `Errors.states`.
    steps_per_second : steps of the program in a second of EEG.
    """
    outputs = np.concatenate([hour.outputs for hour in hours])
    flips = np.concatenate([hour.flips for hour in hours])
    settled = round(SETTLED_SECONDS * steps_per_second)
    episodes = flip_episodes(flips > 0, outputs > TOLERANCE, settled)
    in_episode = inside(episodes, len(outputs))
    # a state is seen at the end of a second, which is inside where any of its steps is
    second_in_episode = np.asarray(in_episode.reshape(-1, steps_per_second).any(axis=1))
    per_state = np.concatenate([hour.states for hour in hours]).T
    starts = np.zeros(len(outputs), dtype=np.int64)
    starts[[start for start, _ in episodes]] = 1
    return Day(
        output=_curve(outputs, in_episode, len(hours)),
        states={
            name: _curve(errors, second_in_episode, len(hours))
            for name, errors in zip(states, per_state, strict=True)
        },
        flips=_per_hour(flips, len(hours)),
        episodes=_per_hour(starts, len(hours)),
        episode_seconds=float(in_episode.sum()) / steps_per_second,
        stretches=tuple(stretches),
    )


def _curve(errors: NDArray[np.float64], in_episode: Marks, hours: int) -> Curve:
    whole = error_curve(errors, 1.0, hours)
    outside = error_curve(np.where(in_episode, 0.0, errors), 1.0, hours)
    return Curve(whole.median, whole.maximum, outside.maximum)


def _per_hour(counts: NDArray[np.int64], hours: int) -> tuple[int, ...]:
    return tuple(int(count) for count in counts.reshape(hours, -1).sum(axis=1))
