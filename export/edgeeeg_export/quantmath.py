"""Rounding of integers: what edgeeeg_quantized.h does in C, bit for bit.

A value is scale · integer, without a zero point. q = saturate(round_half_even(x / scale)); an int32 sum
becomes an int8 by one float32 multiplication, a saturation and the same rounding.
"""

from __future__ import annotations

import numpy as np

from edgeeeg_export.tensor import Array

LOW, HIGH = np.float32(-128.0), np.float32(127.0)


def saturate(value: Array) -> Array:
    """int8 next to float32 values, ties to even."""
    rounded: Array = np.rint(np.clip(value, LOW, HIGH)).astype(np.int8)
    return rounded


def quantize(value: Array, scale: Array | np.float32) -> Array:
    """int8 of float32 values in steps of `scale`."""
    return saturate(value / scale)


def dequantize(value: Array, scale: np.float32) -> Array:
    """float32 values of int8."""
    return value.astype(np.float32) * scale


def requantize(total: Array, multiplier: Array | np.float32) -> Array:
    """int8 of int32 sums; the multiplier is scale of x · scale of the weight / scale of the result."""
    return saturate(total.astype(np.float32) * multiplier)
