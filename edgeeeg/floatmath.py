"""exp, log, erf, tanh and what is built on them, in float32, bit for bit as `edgeeeg_math.h` of an export.

C libraries differ from one another in the last bit, which is enough to flip a spike. These use only
addition, multiplication, division, comparison and bit patterns, in one fixed order, so NumPy and any IEEE-754
C compiler (with contraction off) agree exactly. The polynomials are Chebyshev fits of our own. The error
against the true value, in units in the last place, is below 1 for exp and log, 2 for log1p, erf and tanh, 3
for sigmoid and softplus and 4 for expm1; pow loses as many more as there are e-folds in its result (held by a
test). Rounding to whole numbers is exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
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
ERF_SMALL = F(0.92)
ERF_ONE = F(4.0)  # erf differs from 1 by less than half a unit in the last place
ERF = (
    F(8.387074e-05),
    F(-0.0008147081),
    F(0.005201456),
    F(-0.026859589),
    F(0.112836994),
    F(-0.37612635),
    F(0.12837917),
)
ERFC_LOG = (
    F(-1.6435697e-06),
    F(4.6177913e-05),
    F(-0.0005977435),
    F(0.0047635753),
    F(-0.026431018),
    F(0.11009448),
    F(0.63181454),
    F(1.1302376),
    F(-0.00032044153),
)
WHOLE = F(8388608.0)  # 2**23: floats from there on are whole numbers
FLUSH = F(2.0**-80)
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


def expm1(x: Array) -> Array:
    """e**x - 1, without the loss of digits near 0."""
    x = np.asarray(x, dtype=F)
    near = np.abs(x * LOG2_E) < F(0.5)  # where exp has n = 0 and ends by adding 1
    r = np.where(near, x, F(0.0))
    return np.where(near, _polynomial(EXP, r) * (r * r) + r, exp(x) - ONE)


def log(x: Array) -> Array:
    """Natural logarithm; -infinity for 0, NaN below."""
    x = np.asarray(x, dtype=F)
    inside = (x > 0) & (x < F(np.inf))
    tiny = inside & (x < F(1.1754944e-38))  # subnormal: the exponent field is 0
    scaled = np.where(tiny, x * WHOLE, np.where(inside, x, ONE))
    bits = scaled.view(np.int32)
    e = (bits - np.int32(0x3F3504F3)) >> 23
    f: Array = (bits - (e << 23)).view(F) - ONE
    s = f / (TWO + f)
    z = s * s
    n: Array = np.where(tiny, e - 23, e).astype(F)
    half = F(0.5) * (f * f)
    # f - (f²/2 - …) rather than 2 s + …, which would bring in the rounding of the division
    value = n * LN2_HIGH - ((half - (s * (half + z * _polynomial(LOG, z)) + n * LN2_LOW)) - f)
    value = np.where(x == 0, F(-np.inf), np.where(x < 0, F(np.nan), value))
    return np.where(inside | (x <= 0), value, x)


def pow(x: Array, y: Array) -> Array:
    """x**y as exp(y log|x|), negative for a negative x and an odd y; NaN for a negative x and a broken y."""
    x, y = np.broadcast_arrays(np.asarray(x, dtype=F), np.asarray(y, dtype=F))
    value = exp(y * log(np.where(x < 0, -x, x)))
    half = y * F(0.5)
    whole, odd = trunc(y) == y, (trunc(half) != half) & (np.abs(y) < F(16777216.0))
    value = np.where(x < 0, np.where(whole, np.where(odd, -value, value), F(np.nan)), value)
    return np.where((y == 0) | (x == ONE), ONE, value)


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


def erf(x: Array) -> Array:
    """Error function: odd polynomial below 0.92, 1 - exp(polynomial) above, 1 from 4 on."""
    x = np.asarray(x, dtype=F)
    magnitude = np.abs(x)
    near = np.where(magnitude < ERF_SMALL, x, F(0.0))
    small = _polynomial(ERF, near * near) * near + near
    far = np.where(magnitude < ERF_ONE, magnitude, F(0.0))
    large = np.where(magnitude < ERF_ONE, ONE - exp(-_polynomial(ERFC_LOG, far)), ONE)
    value = np.where(magnitude < ERF_SMALL, small, np.where(x < 0, -large, large))
    return np.where(np.isnan(x), x, value)


def flush(x: Array) -> Array:
    """x, and 0 where its magnitude is at most 2**-80: a decaying memory ends before the subnormal numbers."""
    return np.where(np.abs(x) <= FLUSH, F(0.0), x)


def trunc(x: Array) -> Array:
    """The whole number next to x on the side of 0."""
    x = np.asarray(x, dtype=F)
    inside = np.abs(x) < WHOLE
    return np.where(inside, np.where(inside, x, F(0.0)).astype(np.int32).astype(F), x)


def floor(x: Array) -> Array:
    """The greatest whole number that is not above x."""
    x = np.asarray(x, dtype=F)
    whole = trunc(x)
    return np.where(whole > x, whole - ONE, whole)


def ceil(x: Array) -> Array:
    """The least whole number that is not below x."""
    x = np.asarray(x, dtype=F)
    whole = trunc(x)
    return np.where(whole < x, whole + ONE, whole)


def round_half_even(x: Array) -> Array:
    """The nearest whole number, the even one of two."""
    x = np.asarray(x, dtype=F)
    magnitude = np.abs(x)
    whole = (np.where(magnitude < WHOLE, magnitude, F(0.0)) + WHOLE) - WHOLE
    return np.where(magnitude < WHOLE, np.where(x < 0, -whole, whole), x)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return ONE / (ONE + exp(-np.asarray(x, dtype=F)))


def softplus(x: Array) -> Array:
    """max(x, 0) + log1p(exp(-|x|))."""
    x = np.asarray(x, dtype=F)
    return np.where(x > 0, x, F(0.0)) + log1p(exp(-np.abs(x)))
