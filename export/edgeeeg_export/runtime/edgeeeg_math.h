/* exp, log, erf, tanh and what is built on them, in float32.
 *
 * Bit for bit the same as edgeeeg/floatmath.py: additions, multiplications, divisions, comparisons and
 * bit patterns in one fixed order. Compile with -ffp-contract=off: a fused multiply-add would round
 * differently. */
#ifndef EDGEEEG_MATH_H
#define EDGEEEG_MATH_H

#include <stdint.h>

#include "edgeeeg_lanes.h"

typedef union {
    float value;
    int32_t bits;
} edgeeeg_float_bits;

/* One or the other. With selects by bit pattern, which no compiler turns back into a branch, so that loops of
 * it become vectors. */
static inline float edgeeeg_choose(int first, float one, float other) {
    if (!EDGEEEG_SELECTS) {
        return first ? one : other;
    }
    edgeeeg_float_bits a, b;
    a.value = one;
    b.value = other;
    const int32_t mask = -(int32_t)(first != 0);
    a.bits = (a.bits & mask) | (b.bits & ~mask);
    return a.value;
}

static inline float edgeeeg_power_of_two(int32_t exponent) {
    edgeeeg_float_bits power;
    power.bits = (exponent + 127) << 23;
    return power.value;
}

/* e**x; 0 below -87.33655 (no subnormal results), infinity above 88.72283, NaN for NaN */
static inline float edgeeeg_exp(float x) {
    edgeeeg_float_bits infinity;
    infinity.bits = 0x7F800000;
    float inside = x;
    if (EDGEEEG_SELECTS) {
        inside = (x >= -87.33655f) & (x <= 88.72283f) ? x : 0.0f;
    } else if (!(x >= -87.33655f && x <= 88.72283f)) {
        return x < 0.0f ? 0.0f : x > 0.0f ? infinity.value : x;
    }
    const float n = (inside * 1.442695f + 12582912.0f) - 12582912.0f; /* nearest integer, ties to even */
    const float r = (inside - n * 0.693359375f) - n * -0.00021219444f;
    float p = 0.0001989198f;
    p = p * r + 0.0013934541f;
    p = p * r + 0.0083333105f;
    p = p * r + 0.041666456f;
    p = p * r + 0.16666667f;
    p = p * r + 0.5f;
    const float value = (p * (r * r) + r) + 1.0f;
    const int32_t whole = (int32_t)n;
    const int32_t half = whole >> 1; /* two factors, because 2**128 is not a float but e**88.7 is */
    const float power = (value * edgeeeg_power_of_two(half)) * edgeeeg_power_of_two(whole - half);
    if (!EDGEEEG_SELECTS) {
        return power;
    }
    const float above = x > 0.0f ? infinity.value : x; /* or NaN */
    return edgeeeg_choose(x <= 88.72283f, power * (float)(x >= -87.33655f), above);
}

/* e**x - 1, without the loss of digits near 0 */
static inline float edgeeeg_expm1(float x) {
    const float n = x * 1.442695f;
    const int small = (n < 0.5f) & (n > -0.5f);
    if (!EDGEEEG_SELECTS && !small) {
        return edgeeeg_exp(x) - 1.0f;
    }
    float p = 0.0001989198f;
    p = p * x + 0.0013934541f;
    p = p * x + 0.0083333105f;
    p = p * x + 0.041666456f;
    p = p * x + 0.16666667f;
    p = p * x + 0.5f;
    const float near = p * (x * x) + x;
    if (!EDGEEEG_SELECTS) {
        return near;
    }
    const float far = edgeeeg_exp(x) - 1.0f;
    return edgeeeg_choose(small, near, far);
}

/* x from 0 on, alpha (e**x - 1) below */
static inline float edgeeeg_elu(float x, float alpha) {
    const int negative = x < 0.0f;
    if (!EDGEEEG_SELECTS && !negative) {
        return x;
    }
    return edgeeeg_choose(negative, alpha * edgeeeg_expm1(x), x);
}

/* natural logarithm; -infinity for 0, NaN below */
static inline float edgeeeg_log(float x) {
    edgeeeg_float_bits u;
    u.bits = 0x7F800000;
    if (!(x > 0.0f && x < u.value)) {
        if (x == 0.0f) {
            return -u.value;
        }
        u.bits = 0x7FC00000;
        return x < 0.0f ? u.value : x;
    }
    const int tiny = x < 1.1754944e-38f; /* subnormal: the exponent field is 0 */
    u.value = tiny ? x * 8388608.0f : x;
    const int32_t e = (u.bits - 0x3F3504F3) >> 23;
    u.bits -= e * (1 << 23);
    const float f = u.value - 1.0f;
    const float s = f / (2.0f + f);
    const float z = s * s;
    float p = 0.23336811f;
    p = p * z + 0.28550586f;
    p = p * z + 0.40000123f;
    p = p * z + 0.6666667f;
    const float n = (float)(tiny ? e - 23 : e);
    const float half = 0.5f * (f * f);
    /* f - (f*f/2 - ...) rather than 2 s + ..., which would bring in the rounding of the division */
    return n * 0.693359375f - ((half - (s * (half + z * p) + n * -0.00021219444f)) - f);
}

/* x, and 0 where its magnitude is at most 2**-80: a decaying memory ends before the subnormal numbers */
static inline float edgeeeg_flush(float x) {
    return x <= 0x1p-80f && x >= -0x1p-80f ? 0.0f : x;
}

/* the whole number next to x on the side of 0 */
static inline float edgeeeg_trunc(float x) {
    return x < 8388608.0f && x > -8388608.0f ? (float)(int32_t)x : x;
}

static inline float edgeeeg_floor(float x) {
    const float whole = edgeeeg_trunc(x);
    return whole > x ? whole - 1.0f : whole;
}

static inline float edgeeeg_ceil(float x) {
    const float whole = edgeeeg_trunc(x);
    return whole < x ? whole + 1.0f : whole;
}

static inline float edgeeeg_round_half_even(float x) {
    const float magnitude = x < 0.0f ? -x : x;
    if (!(magnitude < 8388608.0f)) {
        return x;
    }
    const float whole = (magnitude + 8388608.0f) - 8388608.0f;
    return x < 0.0f ? -whole : whole;
}

/* x**y as exp(y log|x|), negative for a negative x and an odd y; NaN for a negative x and a broken y */
static inline float edgeeeg_pow(float x, float y) {
    if (y == 0.0f || x == 1.0f) {
        return 1.0f;
    }
    const float value = edgeeeg_exp(y * edgeeeg_log(x < 0.0f ? -x : x));
    if (!(x < 0.0f)) {
        return value;
    }
    if (edgeeeg_trunc(y) != y) {
        edgeeeg_float_bits nan;
        nan.bits = 0x7FC00000;
        return nan.value;
    }
    const float half = y * 0.5f;
    const int odd = edgeeeg_trunc(half) != half && y < 16777216.0f && y > -16777216.0f;
    return odd ? -value : value;
}

/* log(1 + x) for 0 <= x < infinity */
static inline float edgeeeg_log1p(float x) {
    edgeeeg_float_bits u;
    u.value = 1.0f + x;
    const int32_t e = (u.bits - 0x3F3504F3) >> 23; /* mantissa in [sqrt(1/2), sqrt(2)) */
    float f = x;
    float lost = 0.0f;
    if (EDGEEEG_SELECTS || e != 0) {
        edgeeeg_float_bits mantissa;
        mantissa.bits = u.bits - e * (1 << 23);
        f = edgeeeg_choose(e == 0, x, mantissa.value - 1.0f);
        lost = (float)(e != 0) * ((x - (u.value - 1.0f)) / u.value);
    }
    const float s = f / (2.0f + f);
    const float z = s * s;
    float p = 0.23336811f;
    p = p * z + 0.28550586f;
    p = p * z + 0.40000123f;
    p = p * z + 0.6666667f;
    const float n = (float)e;
    return n * 0.693359375f + (2.0f * s + (p * (z * s) + (n * -0.00021219444f + lost)));
}

static inline float edgeeeg_tanh(float x) {
    const float magnitude = x < 0.0f ? -x : x;
    const int small = magnitude < 0.625f;
    if (!EDGEEEG_SELECTS && !small) {
        const float large = 1.0f - 2.0f / (edgeeeg_exp(magnitude + magnitude) + 1.0f);
        return x < 0.0f ? -large : large;
    }
    const float z = x * x;
    float p = -0.006045165f;
    p = p * z + 0.02096133f;
    p = p * z + -0.053843264f;
    p = p * z + 0.13332719f;
    p = p * z + -0.33333328f;
    const float near = p * (z * x) + x;
    if (!EDGEEEG_SELECTS) {
        return near;
    }
    const float large = 1.0f - 2.0f / (edgeeeg_exp(magnitude + magnitude) + 1.0f);
    const float far = x < 0.0f ? -large : large;
    return edgeeeg_choose(small, near, far);
}

/* error function: odd polynomial below 0.92, 1 - exp(polynomial) above, 1 from 4 on */
static inline float edgeeeg_erf(float x) {
    if (x != x) {
        return x;
    }
    const float magnitude = x < 0.0f ? -x : x;
    if (magnitude < 0.92f) {
        const float z = x * x;
        float p = 8.387074e-05f;
        p = p * z + -0.0008147081f;
        p = p * z + 0.005201456f;
        p = p * z + -0.026859589f;
        p = p * z + 0.112836994f;
        p = p * z + -0.37612635f;
        p = p * z + 0.12837917f;
        return p * x + x;
    }
    float large = 1.0f;
    if (magnitude < 4.0f) {
        float p = -1.6435697e-06f;
        p = p * magnitude + 4.6177913e-05f;
        p = p * magnitude + -0.0005977435f;
        p = p * magnitude + 0.0047635753f;
        p = p * magnitude + -0.026431018f;
        p = p * magnitude + 0.11009448f;
        p = p * magnitude + 0.63181454f;
        p = p * magnitude + 1.1302376f;
        p = p * magnitude + -0.00032044153f;
        large = 1.0f - edgeeeg_exp(-p);
    }
    return x < 0.0f ? -large : large;
}

static inline float edgeeeg_sigmoid(float x) {
    return 1.0f / (1.0f + edgeeeg_exp(-x));
}

static inline float edgeeeg_softplus(float x) {
    const float magnitude = x < 0.0f ? -x : x;
    return (x > 0.0f ? x : 0.0f) + edgeeeg_log1p(edgeeeg_exp(-magnitude));
}

#endif
