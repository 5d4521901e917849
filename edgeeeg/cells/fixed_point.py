"""Arithmetic of integer cells on int64 tensors: the same integers as in NumPy, C and ONNX Runtime.

saturate(v, low, high)    v limited and rounded half to even
requantize(s, m)          saturate(float32(s) · m)
faded(v, decay)           floor((v · decay + 2^(fraction - 1)) / 2^fraction)
power(e)                  round(2^-e · 2^fraction), e in 2^-24
"""

from __future__ import annotations

import torch
from torch import Tensor

from edgeeeg.cells.state_width import EXPONENT_BITS, LARGEST_EXPONENT, StateWidth


def steps_of(value: Tensor, scale: float) -> Tensor:
    """The integers (int64) that values, whole multiples of a scale, stand for."""
    return torch.round(value.detach() / scale).long()


def saturate(value: Tensor, low: int, high: int) -> Tensor:
    """int64 next to float32 values within low and high, ties to even."""
    return torch.round(torch.clamp(value, low, high)).long()


def requantize(total: Tensor, multiplier: Tensor | float, low: int, high: int) -> Tensor:
    """int64 of exact sums: one float32 multiplication, then `saturate`."""
    return saturate(total.float() * multiplier, low, high)


def limit(value: Tensor, width: StateWidth) -> Tensor:
    """A state within its width: at its ends it stays there."""
    return value.clamp(width.low, width.high)


def faded(value: Tensor, decay: Tensor, width: StateWidth) -> Tensor:
    """A state times a decay, to the nearest integer; half a step goes up."""
    # |v| <= 2^15 and decay <= 2^15, or 2^31 and 2^30: below 2^62
    return (value * decay + (width.one >> 1)) >> width.fraction


def power(exponent: Tensor, lost: Tensor, width: StateWidth) -> Tensor:
    """2^-e in steps of 2^-fraction for exponents (int64) in steps of 2^-24, none below 0.

    Parameters
    ----------
    lost : the table of the width, (257,) int64.
    """
    e = exponent.clamp(max=LARGEST_EXPONENT)
    whole, at, rest = e >> EXPONENT_BITS, (e >> 16) & 255, e & 0xFFFF
    line = ((lost[at + 1] - lost[at]) * rest + 0x8000) >> 16
    kept = width.one - lost[at] - line
    return (kept + ((1 << whole) >> 1)) >> whole
