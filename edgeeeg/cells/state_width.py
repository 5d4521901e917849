"""Widths of integer states: how many bits a state has, and a decay beside it. Loads without torch.

A decay is the integer round(decay · 2^fraction), 2^fraction being 1 exactly; a state is multiplied by it,
half a step is added and the fraction shifted out. 2^-e is a table of what e in steps of 1/256 loses,
1 - 2^(-i/256), with lines between its entries: near e = 0 a decay is close to 1, and exact in its loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

WidthName = Literal["int16", "int32"]
ResultName = Literal["int8", "int16"]
EXPONENT_BITS = 24
"""Fraction of an exponent: it is a multiple of 2^-24."""
SATURATED = "saturated"
"""The state that counts how often the other states of its layer would have left their range."""
LARGEST_EXPONENT = (32 << EXPONENT_BITS) - 1
"""2 to the power of minus this rounds to 0 in every width."""


@dataclass(frozen=True, slots=True)
class StateWidth:
    """A state of a name's integers from `low` to `high`, decays in 2^-`fraction`.

    What one frame adds lies within `drive_low` and `drive_high`: a float32 rounds to it with one addition,
    which holds below 2^22. `peak` steps is what the largest magnitude of calibration takes.
    """

    name: WidthName
    fraction: int
    low: int
    high: int
    drive_low: int
    drive_high: int
    peak: int

    @property
    def one(self) -> int:
        """A decay of 1."""
        return 1 << self.fraction

    def coarsened(self, scale: float) -> float:
        """What a step is worth where `high` steps of `scale` are the largest magnitude of calibration."""
        return float(np.float32(scale * (self.high / self.peak)))

    def lost(self) -> NDArray[np.int64]:
        """The table (257,): round((1 - 2^(-i/256)) · 2^fraction)."""
        lost: NDArray[np.int64] = np.rint(-np.expm1(np.arange(257) * (-np.log(2.0) / 256)) * self.one).astype(
            np.int64
        )
        return lost


INT16 = StateWidth("int16", 15, -(2**15), 2**15 - 1, -(2**15), 2**15 - 1, 2**15 - 1)
INT32 = StateWidth("int32", 30, -(2**31), 2**31 - 1, 1 - 2**22, 2**22 - 1, 2**20)
WIDTHS: Mapping[str, StateWidth] = MappingProxyType({width.name: width for width in (INT16, INT32)})
RESULTS: Mapping[str, tuple[int, int]] = MappingProxyType({"int8": (-128, 127), "int16": (-32768, 32639)})
"""The ends of a tensor between layers; the specification says why int16 ends below 2^15."""
