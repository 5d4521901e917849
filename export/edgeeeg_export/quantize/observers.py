"""Observers: from the values that a tensor takes to the steps of its integers.

Of int8 a step is the largest magnitude that is kept, divided by 127. int16 has steps to spare: it holds twice
the largest magnitude that was seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from edgeeeg.calibration_rule import HEADROOM, PERCENTILE
from edgeeeg_export import quantmath
from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.quantize.format import Format, Storage
from edgeeeg_export.tensor import Array

STEPS = quantmath.HIGH["int8"]
INT32_STEPS = 2**31 - 1
CANDIDATES = 40
"""Clipping points that the observer of least squared error tries, evenly between 1/4 and 1 of the largest."""


@dataclass(frozen=True, slots=True)
class Range:
    """Magnitudes that a tensor takes: up to which an observer keeps them, and the largest."""

    kept: float
    largest: float

    def format(self, dtype: Storage) -> Format:
        """How the tensor is stored in that type."""
        if dtype == "float32":
            return Format(dtype)
        if dtype == "int8":
            limit, steps = self.kept, STEPS
        else:
            limit = HEADROOM * self.largest
            steps = INT32_STEPS if dtype == "int32" else quantmath.HIGH["int16"]
        return Format(dtype, float(np.float32((limit or 1.0) / steps)))


Observer = Callable[[Array], float]
"""The magnitude up to which values of a tensor are kept."""


def min_max(values: Array) -> float:
    """The largest magnitude: nothing saturates on what was seen."""
    return float(np.abs(values).max())


def percentile(values: Array) -> float:
    """The magnitude below which 99.99 % of the values lie."""
    return float(np.percentile(np.abs(values), PERCENTILE))


def mean_squared_error(values: Array) -> float:
    """The magnitude with the smallest squared error of rounding and saturation together."""
    largest = min_max(values)
    tried = np.linspace(0.25, 1.0, CANDIDATES) * largest
    return float(min(tried, key=lambda limit: _error(values, limit)))


def _error(values: Array, limit: float) -> float:
    scale = np.float32(limit / STEPS)
    if scale == 0:
        return 0.0
    kept = quantmath.dequantize(quantmath.quantize(values, scale), scale)
    return float(np.square(kept - values, dtype=np.float64).sum())


OBSERVERS: MappingProxyType[str, Observer] = MappingProxyType(
    {"min-max": min_max, "percentile": percentile, "mse": mean_squared_error}
)


def range_of(name: str, values: Array, observer: str) -> Range:
    """What a tensor took.

    Raises
    ------
    QuantizationError
        If a value is not finite: a model that diverges on this recording.
    """
    if not np.isfinite(values).all():
        raise QuantizationError(
            f"tensor '{name}' is not finite on the calibration recording; calibrate on one on which the "
            "float model works"
        )
    return Range(OBSERVERS[observer](values), min_max(values))
