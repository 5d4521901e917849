/* exp, log1p, tanh and what is built on them, in float32.
 *
 * Bit for bit the same as edgeeeg_export/floatmath.py: additions, multiplications, divisions, comparisons and
 * bit patterns in one fixed order. Compile with -ffp-contract=off: a fused multiply-add would round
 * differently. */
#ifndef EDGEEEG_MATH_H
#define EDGEEEG_MATH_H

#include <stdint.h>

typedef union {
    float value;
    int32_t bits;
} edgeeeg_float_bits;

static inline float edgeeeg_power_of_two(int32_t exponent) {
    edgeeeg_float_bits power;
    power.bits = (exponent + 127) << 23;
    return power.value;
}

/* e**x; 0 below -87.33655 (no subnormal results), infinity above 88.72283, NaN for NaN */
static inline float edgeeeg_exp(float x) {
    if (x != x) {
        return x;
    }
    if (x < -87.33655f) {
        return 0.0f;
    }
    if (x > 88.72283f) {
        edgeeeg_float_bits infinity;
        infinity.bits = 0x7F800000;
        return infinity.value;
    }
    const float n = (x * 1.442695f + 12582912.0f) - 12582912.0f; /* nearest integer, ties to even */
    const float r = (x - n * 0.693359375f) - n * -0.00021219444f;
    float p = 0.0001989198f;
    p = p * r + 0.0013934541f;
    p = p * r + 0.0083333105f;
    p = p * r + 0.041666456f;
    p = p * r + 0.16666667f;
    p = p * r + 0.5f;
    const float value = (p * (r * r) + r) + 1.0f;
    const int32_t whole = (int32_t)n;
    const int32_t half = whole >> 1; /* two factors, because 2**128 is not a float but e**88.7 is */
    return (value * edgeeeg_power_of_two(half)) * edgeeeg_power_of_two(whole - half);
}

/* log(1 + x) for 0 <= x < infinity */
static inline float edgeeeg_log1p(float x) {
    edgeeeg_float_bits u;
    u.value = 1.0f + x;
    const int32_t e = (u.bits - 0x3F3504F3) >> 23; /* mantissa in [sqrt(1/2), sqrt(2)) */
    float f = x;
    float lost = 0.0f;
    if (e != 0) {
        edgeeeg_float_bits mantissa;
        mantissa.bits = u.bits - e * (1 << 23);
        f = mantissa.value - 1.0f;
        lost = (x - (u.value - 1.0f)) / u.value;
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
    if (magnitude < 0.625f) {
        const float z = x * x;
        float p = -0.006045165f;
        p = p * z + 0.02096133f;
        p = p * z + -0.053843264f;
        p = p * z + 0.13332719f;
        p = p * z + -0.33333328f;
        return p * (z * x) + x;
    }
    const float large = 1.0f - 2.0f / (edgeeeg_exp(magnitude + magnitude) + 1.0f);
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
