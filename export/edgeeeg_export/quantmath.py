"""Rounding of integers: what edgeeeg_quantized.h does in C, bit for bit.

A value is scale · integer, without a zero point. q = saturate(round_half_even(x / scale)); an int32 sum
becomes an int8 or int16 by one float32 multiplication, a saturation and the same rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np

from edgeeeg.cells.state_width import RESULTS
from edgeeeg_export.tensor import Array

Width = Literal["int8", "int16"]
"""Integers that tensors are made of; sums are of int32."""
LOW: Mapping[str, int] = MappingProxyType({width: low for width, (low, _) in RESULTS.items()})
HIGH: Mapping[str, int] = MappingProxyType({width: high for width, (_, high) in RESULTS.items()})
"""The largest integers. That of int16 leaves room for a low byte of −128 … 127: a runtime that multiplies
int8 alone, as ONNX Runtime does, then makes the same sum of both bytes."""


def saturate(value: Array, width: Width = "int8") -> Array:
    """Integers next to float32 values, ties to even."""
    kept = np.clip(value, np.float32(LOW[width]), np.float32(HIGH[width]))
    rounded: Array = np.rint(kept).astype(width)
    return rounded


def quantize(value: Array, scale: Array | np.float32, width: Width = "int8") -> Array:
    """Integers of float32 values in steps of `scale`."""
    return saturate(value / scale, width)


def dequantize(value: Array, scale: np.float32) -> Array:
    """float32 values of integers."""
    return value.astype(np.float32) * scale


def requantize(total: Array, multiplier: Array | np.float32, width: Width = "int8") -> Array:
    """Integers of int32 sums; the multiplier is scale of x · scale of the weight / scale of the result."""
    return saturate(total.astype(np.float32) * multiplier, width)


def every(width: Width) -> Array:
    """All integers of a width, from the lowest on; those of int16 in full, whatever saturates below them."""
    info = np.iinfo(width)
    return np.arange(info.min, info.max + 1).astype(width)
