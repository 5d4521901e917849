"""Arithmetic of integer cells in NumPy: what edgeeeg_quantized_cells.h does in C, bit for bit.

Integers are held in int64, in which no sum or product of a cell overflows.
"""

from __future__ import annotations

import numpy as np

from edgeeeg.cells.state_width import EXPONENT_BITS, LARGEST_EXPONENT, StateWidth
from edgeeeg_export.tensor import Array

LARGEST_COUNT = 2**31 - 1
"""Where the counter of saturations stops."""


def saturate(value: Array, low: int, high: int) -> Array:
    """int64 next to float32 values within low and high, ties to even."""
    rounded: Array = np.rint(np.clip(value, np.float32(low), np.float32(high))).astype(np.int64)
    return rounded


def requantize(total: Array, multiplier: Array | np.float32, low: int, high: int) -> Array:
    """int64 of exact sums: one float32 multiplication, then `saturate`."""
    return saturate(total.astype(np.float32) * multiplier, low, high)


def limit(value: Array, width: StateWidth) -> Array:
    """A state within its width."""
    return np.clip(value, width.low, width.high)


def beyond(value: Array, width: StateWidth) -> int:
    """How many values `limit` moves."""
    return int(np.count_nonzero((value < width.low) | (value > width.high)))


def counted(counter: Array, more: int) -> Array:
    """A counter (1,) of int32 after more events; it stops at its end and never wraps."""
    return np.minimum(counter.astype(np.int64) + more, LARGEST_COUNT).astype(np.int32)


def faded(value: Array, decay: Array, width: StateWidth) -> Array:
    """A state times a decay in 2^-fraction, to the nearest integer; half a step goes up."""
    return (value * decay + (width.one >> 1)) >> width.fraction


def power(exponent: Array, lost: Array, width: StateWidth) -> Array:
    """2^-e in 2^-fraction for exponents in 2^-24, none below 0; `lost` is the table of the width."""
    e = np.minimum(exponent, LARGEST_EXPONENT)
    whole, at, rest = e >> EXPONENT_BITS, (e >> 16) & 255, e & 0xFFFF
    line = ((lost[at + 1] - lost[at]) * rest + 0x8000) >> 16
    kept = width.one - lost[at] - line
    powers: Array = (kept + ((1 << whole) >> 1)) >> whole
    return powers
