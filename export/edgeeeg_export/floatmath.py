"""exp, log1p, tanh and what is built on them, in float32, bit for bit as in `runtime/edgeeeg_math.h`.

C libraries differ from one another in the last bit, which is enough to flip a spike. These use only
addition, multiplication, division, comparison and bit patterns, in one fixed order, so NumPy and any IEEE-754
C compiler (with contraction off) agree exactly. The polynomials are Chebyshev fits of our own. The error
against the true value, in units in the last place, is below 1 for exp, 2 for log1p and tanh and 3 for sigmoid
and softplus (held by a test).
"""

from __future__ import annotations

import numpy as np

from edgeeeg_export.tensor import Array

F = np.float32
LOG2_E = F(1.442695)
LN2_HIGH = F(0.693359375)  # 9 significant bits: n * LN2_HIGH is exact
LN2_LOW = F(-0.00021219444)
ROUND = F(12582912.0)  # 1.5 * 2**23: adding it rounds to the nearest integer, ties to even
EXP_OVERFLOW = F(88.72283)
EXP_UNDERFLOW = F(-87.33655)
EXP = (F(0.0001989198), F(0.0013934541), F(0.0083333105), F(0.041666456), F(0.16666667), F(0.5))
LOG = (F(0.23336811), F(0.28550586), F(0.40000123), F(0.6666667))
TANH = (F(-0.006045165), F(0.02096133), F(-0.053843264), F(0.13332719), F(-0.33333328))
TANH_SMALL = F(0.625)
ONE, TWO = F(1.0), F(2.0)


def _polynomial(coefficients: tuple[np.float32, ...], x: Array) -> Array:
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


def _power_of_two(exponent: np.ndarray) -> Array:
    return ((exponent + 127).astype(np.uint32) << np.uint32(23)).view(F)


def exp(x: Array) -> Array:
    """e**x; 0 below -87.33655 (no subnormal results), infinity above 88.72283, NaN for NaN."""
    x = np.asarray(x, dtype=F)
    with np.errstate(over="ignore", invalid="ignore"):
        inside = np.where((x >= EXP_UNDERFLOW) & (x <= EXP_OVERFLOW), x, F(0.0))
        n = (inside * LOG2_E + ROUND) - ROUND
        r = (inside - n * LN2_HIGH) - n * LN2_LOW
        value = (_polynomial(EXP, r) * (r * r) + r) + ONE
        whole = n.astype(np.int32)
        half = whole >> 1
        # two factors, because 2**128 is not a float but e**88.7 is
        value = (value * _power_of_two(half)) * _power_of_two(whole - half)
        value = np.where(x < EXP_UNDERFLOW, F(0.0), value)
        value = np.where(x > EXP_OVERFLOW, F(np.inf), value)
    return np.where(np.isnan(x), x, value)


def log1p(x: Array) -> Array:
    """log(1 + x) for 0 <= x < infinity."""
    x = np.asarray(x, dtype=F)
    u = ONE + x
    bits = u.view(np.int32)
    # exponent such that the mantissa lies in [sqrt(1/2), sqrt(2)): 0x3F3504F3 is sqrt(1/2)
    e = (bits - np.int32(0x3F3504F3)) >> 23
    mantissa: Array = (bits - (e << 23)).view(F)
    f: Array = np.where(e == 0, x, mantissa - ONE)
    lost = np.where(e == 0, F(0.0), (x - (u - ONE)) / u)
    s = f / (TWO + f)
    z = s * s
    n: Array = e.astype(F)
    tail: Array = TWO * s + (_polynomial(LOG, z) * (z * s) + (n * LN2_LOW + lost))
    return n * LN2_HIGH + tail


def tanh(x: Array) -> Array:
    """Hyperbolic tangent: odd polynomial below 0.625, 1 - 2/(exp(2|x|) + 1) above."""
    x = np.asarray(x, dtype=F)
    magnitude = np.abs(x)
    near = np.where(magnitude < TANH_SMALL, x, F(0.0))
    z = near * near
    small = _polynomial(TANH, z) * (z * near) + near
    large = ONE - TWO / (exp(magnitude + magnitude) + ONE)
    return np.where(magnitude < TANH_SMALL, small, np.where(x < 0, -large, large))


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return ONE / (ONE + exp(-np.asarray(x, dtype=F)))


def softplus(x: Array) -> Array:
    """max(x, 0) + log1p(exp(-|x|))."""
    x = np.asarray(x, dtype=F)
    return np.where(x > 0, x, F(0.0)) + log1p(exp(-np.abs(x)))
