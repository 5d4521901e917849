"""Whether the difference between two runs grows: |reference - other| over the hours of a run, as a curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeeeg_export.errors import ExportError

MAX_POINTS = 48
"""Stretches of a curve: half an hour each over a day, and one line of a terminal."""

BARS = "▁▂▃▄▅▆▇█"
DECADES = 4.0
"""What the bars span below the peak: each is half a decade, so noise within a factor of three is level."""

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Drift:
    """The error of a run over equal stretches of it.

    Attributes
    ----------
    hours : end of each stretch, in hours of signal since the start.
    maximum, median : over the steps of each stretch, of the step's largest |Δ| over its outputs.
    """

    hours: tuple[float, ...]
    maximum: tuple[float, ...]
    median: tuple[float, ...]

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Drift:
        """The curve that `to_json` gave; None is read as not a number."""
        maximum, median = (
            tuple(math.nan if value is None else float(value) for value in stored[name])
            for name in ("max_abs", "median_abs")
        )
        return cls(tuple(stored["hours"]), maximum, median)

    def to_json(self) -> dict[str, Any]:
        """The curve as JSON values; an error that is not finite is None."""
        return {
            "hours": [round(hour, 6) for hour in self.hours],
            "max_abs": [value if math.isfinite(value) else None for value in self.maximum],
            "median_abs": [value if math.isfinite(value) else None for value in self.median],
        }

    @property
    def sparkline(self) -> str:
        """A bar for each stretch's maximum, on a logarithmic scale below the peak.

        `·` is no difference at all, `!` one that is not a number.
        """
        peak = max((value for value in self.maximum if math.isfinite(value)), default=0.0)
        return "".join(_bar(value, peak) for value in self.maximum)


def drift_curve(reference: Floats, other: Floats, step_seconds: float, points: int = MAX_POINTS) -> Drift:
    """Curve of |reference - other|, both (n_steps, n_outputs) of any float type.

    Parameters
    ----------
    step_seconds : length of a step in s of signal: hop / sfreq.
    points : stretches; a run of fewer steps has one for each step.

    Raises
    ------
    ExportError
        If the shapes differ.
    """
    if reference.shape != other.shape or reference.ndim != 2:
        raise ExportError(
            f"drift: outputs of shapes {reference.shape} and {other.shape}; both must be (n_steps, n_outputs)"
        )
    with np.errstate(invalid="ignore"):  # infinity less infinity is shown, not warned of
        errors = np.abs(reference - other).max(axis=1, initial=0.0)
    return error_curve(errors, step_seconds, points)


def error_curve(errors: Floats, step_seconds: float, points: int = MAX_POINTS) -> Drift:
    """Curve of errors (n_steps,) that are at hand already.

    Raises
    ------
    ExportError
        If there is no step, or no stretch is asked for.
    """
    if not len(errors) or points < 1:
        raise ExportError(
            f"drift: a curve of {points} stretches over {len(errors)} steps is empty; give at least one each"
        )
    count = min(points, len(errors))
    edges = np.arange(count + 1) * len(errors) // count
    stretches = [errors[start:stop] for start, stop in pairwise(edges)]
    return Drift(
        hours=tuple(float(stop) * step_seconds / 3600 for stop in edges[1:]),
        maximum=tuple(float(stretch.max()) for stretch in stretches),
        median=tuple(float(np.median(stretch)) for stretch in stretches),
    )


def growth(curve: Sequence[float]) -> float:
    """The last quarter of a curve in units of its first: the ratio of both medians; 1 without any error.

    Over 24 hours that is hours 19 to 24 against hours 1 to 6. An error that stays gives about 1, one that
    walks at random about 2.5, one that grows steadily about 6.

    Raises
    ------
    ExportError
        If the curve is empty.
    """
    if not curve:
        raise ExportError("drift: a curve without stretches cannot grow; give at least one")
    quarter = max(1, len(curve) // 4)
    first, last = float(np.median(curve[:quarter])), float(np.median(curve[-quarter:]))
    if first == last:
        return 1.0
    return last / first if first else math.inf


def describe(drift: Drift) -> str:
    """The curve as one line: bars, peak and length."""
    peak = float(np.max(drift.maximum))  # unlike max(), it does not lose a NaN
    return f"{drift.sparkline} peak {peak:.2g} over {drift.hours[-1]:.3g} h"


def _bar(value: float, peak: float) -> str:
    if not math.isfinite(value):
        return "!"
    if value == 0.0:
        return "·"
    level = 1 + math.log10(value / peak) / DECADES
    return BARS[max(0, math.ceil(level * len(BARS)) - 1)]
