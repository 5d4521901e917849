/* From integers to integers: one float32 multiplication, a rounding half to even, saturation. Compile with
 * -ffp-contract=off. */
#ifndef EDGEEEG_QUANTIZED_H
#define EDGEEEG_QUANTIZED_H

#include <stddef.h>
#include <stdint.h>

#include "edgeeeg_core.h"

/* the whole number next to a value within low and high, ties to even; |low| and |high| below 2^22 */
#if defined(EDGEEEG_ROUNDS)
EDGEEEG_INLINE int32_t edgeeeg_nearest(float value) {
    int32_t whole;
    __asm__("vcvtr.s32.f32 %0, %1" : "=t"(whole) : "t"(value));
    return whole;
}

EDGEEEG_INLINE int32_t edgeeeg_saturate(float value, float low, float high) {
    const int32_t whole = edgeeeg_nearest(value);
    return whole<(int32_t)low ? (int32_t)low : whole>(int32_t) high ? (int32_t)high : whole;
}
#else
EDGEEEG_INLINE int32_t edgeeeg_saturate(float value, float low, float high) {
    const float kept = value < low ? low : value > high ? high : value;
    return (int32_t)((kept + 12582912.0f) - 12582912.0f);
}
#endif

EDGEEEG_INLINE int32_t edgeeeg_load(const void *x, size_t at, size_t width) {
    return width == 1 ? ((const int8_t *)x)[at] : ((const edgeeeg_int16 *)x)[at];
}

/* the integer next to a value, in the range of its width; -32768 .. 32639 has a low byte of -128 .. 127 */
EDGEEEG_INLINE void edgeeeg_store(void *y, size_t at, float value, size_t width) {
#if defined(EDGEEEG_ROUNDS)
    const int32_t whole = edgeeeg_nearest(value);
    if (width == 1) {
        ((int8_t *)y)[at] = (int8_t)__ssat(whole, 8);
    } else {
        const int32_t kept = __ssat(whole, 16);
        ((edgeeeg_int16 *)y)[at] = (int16_t)(kept > 32639 ? 32639 : kept);
    }
#else
    if (width == 1) {
        ((int8_t *)y)[at] = (int8_t)edgeeeg_saturate(value, -128.0f, 127.0f);
    } else {
        ((edgeeeg_int16 *)y)[at] = (int16_t)edgeeeg_saturate(value, -32768.0f, 32639.0f);
    }
#endif
}

EDGEEEG_INLINE const void *edgeeeg_element(const void *x, size_t at, size_t width) {
    return (const uint8_t *)x + at * width;
}

/* y = x / scale */
EDGEEEG_INLINE void edgeeeg_quantize(const float *x, void *y, size_t y_width, float scale, size_t count) {
    for (size_t i = 0; i < count; i++) {
        edgeeeg_store(y, i, x[i] / scale, y_width);
    }
}

/* y = x scale */
EDGEEEG_INLINE void edgeeeg_dequantize(const void *x, size_t x_width, float *y, float scale, size_t count) {
    for (size_t i = 0; i < count; i++) {
        y[i] = (float)edgeeeg_load(x, i, x_width) * scale;
    }
}

/* y = multiplier x */
EDGEEEG_INLINE void edgeeeg_requantize(const void *x, size_t x_width, void *y, size_t y_width,
                                       float multiplier, size_t count) {
    for (size_t i = 0; i < count; i++) {
        edgeeeg_store(y, i, (float)edgeeeg_load(x, i, x_width) * multiplier, y_width);
    }
}

/* y = table[x + 128] */
EDGEEEG_INLINE void edgeeeg_table(const int8_t *x, const void *table, void *y, size_t y_width, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const int32_t value = edgeeeg_load(table, (size_t)(x[i] + 128), y_width);
        if (y_width == 1) {
            ((int8_t *)y)[i] = (int8_t)value;
        } else {
            ((edgeeeg_int16 *)y)[i] = (int16_t)value;
        }
    }
}

/* y between table[k] and table[k + 1] as x is between 256 k and 256 (k + 1), both from -32768 on; of int8,
 * the table is in steps 256 times as fine */
EDGEEEG_INLINE void edgeeeg_interpolated_table(const edgeeeg_int16 *x, const int16_t *table, void *y,
                                               size_t y_width, size_t count) {
    const int shift = y_width == 1 ? 16 : 8;
    for (size_t i = 0; i < count; i++) {
        const int32_t place = (int32_t)x[i] + 32768;
        const int32_t left = table[place >> 8];
        const int32_t right = table[(place >> 8) + 1];
        /* moved above 0, where a shift is a division */
        const int32_t value = left * 256 + (right - left) * (place & 255) + (32768 << 8);
        const int32_t rounded = ((value + (1 << (shift - 1))) >> shift) - ((32768 << 8) >> shift);
        if (y_width == 1) {
            ((int8_t *)y)[i] = (int8_t)rounded;
        } else {
            ((edgeeeg_int16 *)y)[i] = (int16_t)rounded;
        }
    }
}

/* y = max(x, 0) */
static inline void edgeeeg_relu_int8(const int8_t *x, int8_t *y, size_t count) {
    for (size_t i = 0; i < count; i++) {
        y[i] = x[i] > 0 ? x[i] : 0;
    }
}

static inline void edgeeeg_relu_int16(const edgeeeg_int16 *x, edgeeeg_int16 *y, size_t count) {
    for (size_t i = 0; i < count; i++) {
        y[i] = x[i] > 0 ? x[i] : 0;
    }
}

#endif
