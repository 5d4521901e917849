"""Operands drawn from a seeded generator, in C on a board and in NumPy, bit for bit alike.

Words come from PCG RXS-M-XS 32 (O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good
Algorithms for Random Number Generation", HMC-CS-2014-0905): s' = 747796405 s + 2891336453 modulo 2**32, and
a permutation of s on the way out, so each word comes once in 2**32. The C twin is `firmware/kernel_check.h`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeeeg_bridge.errors import IllegalCase
from edgeeeg_export.tensor import BYTES, C_TYPE, Array, DType

Words = NDArray[np.uint32]

MULTIPLIER, INCREMENT = np.uint32(747796405), np.uint32(2891336453)
SCRAMBLER = np.uint32(277803737)
_WORDS = 1 << 32


def draw_words(state: int, n: int) -> tuple[Words, int]:
    """The next `n` words of the generator, and its state behind them."""
    powers = np.full(n + 1, MULTIPLIER)
    powers[0] = 1
    powers = np.cumprod(powers, dtype=np.uint32)
    sums = np.cumsum(powers, dtype=np.uint32) - powers  # of the powers before each
    states = powers * np.uint32(state) + sums * INCREMENT
    before = states[:-1]
    mixed = ((before >> ((before >> np.uint32(28)) + np.uint32(4))) ^ before) * SCRAMBLER
    return (mixed >> np.uint32(22)) ^ mixed, int(states[-1])


@dataclass(frozen=True, slots=True)
class Draw:
    """How a word becomes an element: a C expression of `word`, and the same of an array of words."""

    dtype: DType
    c: str
    numpy: Callable[[Words], Array]


def uniform(low: float, high: float) -> Draw:
    """2**24 float32 values, evenly from `low` on to below `high`.

    Raises
    ------
    IllegalCase
        The bounds are not in order.
    """
    first, step = np.float32(low), np.float32((high - low) / 2**24)
    if not (np.isfinite(first) and 0 < step < np.inf):
        raise IllegalCase(f"uniform({low:g}, {high:g}) holds no values: give finite bounds, the lower first")

    def numpy(words: Words) -> Array:
        return first + (words >> np.uint32(8)).astype(np.float32) * step

    return Draw("float32", f"{float(first).hex()}f + (float)(word >> 8) * {float(step).hex()}f", numpy)


def finite() -> Draw:
    """Every finite float32, of any exponent and sign, subnormal ones and both zeros among them."""
    exponent, lowest = np.uint32(0x7F800000), np.uint32(0x00800000)

    def numpy(words: Words) -> Array:
        return np.where(words & exponent == exponent, words ^ lowest, words).view(np.float32)

    return Draw("float32", "kernel_check_finite(word)", numpy)


def integers(dtype: DType, low: int | None = None, high: int | None = None) -> Draw:
    """Integers from `low` to `high`, both included; by default all that the type has.

    Raises
    ------
    IllegalCase
        The type has no such integers.
    """
    if dtype == "float32":
        raise IllegalCase("integers of float32: name an integer type, or draw uniform or finite values")
    bits = 8 * BYTES[dtype] - 1
    low, high = -(1 << bits) if low is None else low, (1 << bits) - 1 if high is None else high
    if not -(1 << bits) <= low <= high < 1 << bits:
        raise IllegalCase(f"{dtype} has no integers from {low} to {high}")
    span = high - low + 1

    def numpy(words: Words) -> Array:
        offset = (words.astype(np.uint64) * np.uint64(span)) >> np.uint64(32)
        drawn: Array = (offset.astype(np.int64) + low).astype(dtype)
        return drawn

    return Draw(dtype, f"({dtype}_t)((int64_t)((uint64_t)word * {span}u >> 32) + ({low}))", numpy)


def spikes(rate: float, dtype: DType) -> Draw:
    """1 in a share `rate` of the draws, else 0.

    Raises
    ------
    IllegalCase
        The rate is not between 0 and 1.
    """
    if not 0 <= rate <= 1:
        raise IllegalCase(f"spikes({rate:g}): a firing rate lies between 0 and 1")
    ahead = round(rate * _WORDS)  # what carries that share of the words past their end

    def numpy(words: Words) -> Array:
        return ((words.astype(np.uint64) + np.uint64(ahead)) >> np.uint64(32)).astype(dtype)

    return Draw(dtype, f"({C_TYPE[dtype]})(((uint64_t)word + UINT64_C({ahead})) >> 32)", numpy)
