/* Integer layers: int8 or int16 operands, int32 sums, one float32 multiplication and a rounding half to even
 * on the way out. Sums are exact, so their order is free. Compile with -ffp-contract=off. */
#ifndef EDGEEEG_QUANTIZED_H
#define EDGEEEG_QUANTIZED_H

#include <stddef.h>
#include <stdint.h>

#include "edgeeeg_integers.h"
#include "edgeeeg_window.h"

/* Kernels take operands of 1 or 2 bytes an element. The width is a constant where they are called, so that
 * inlining leaves no choice to make at run time. */
#if defined(__GNUC__)
#define EDGEEEG_INLINE static inline __attribute__((always_inline))
#else
#define EDGEEEG_INLINE static inline
#endif

/* the whole number next to a value within low and high, ties to even; |low| and |high| below 2^22 */
EDGEEEG_INLINE int32_t edgeeeg_saturate(float value, float low, float high) {
    const float kept = value < low ? low : value > high ? high : value;
    return (int32_t)((kept + 12582912.0f) - 12582912.0f);
}

EDGEEEG_INLINE int32_t edgeeeg_load(const void *x, size_t at, size_t width) {
    return width == 1 ? ((const int8_t *)x)[at] : ((const edgeeeg_int16 *)x)[at];
}

/* the integer next to a value, in the range of its width; -32768 .. 32639 has a low byte of -128 .. 127 */
EDGEEEG_INLINE void edgeeeg_store(void *y, size_t at, float value, size_t width) {
    if (width == 1) {
        ((int8_t *)y)[at] = (int8_t)edgeeeg_saturate(value, -128.0f, 127.0f);
    } else {
        ((edgeeeg_int16 *)y)[at] = (int16_t)edgeeeg_saturate(value, -32768.0f, 32639.0f);
    }
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

/* y[row][n] = multiplier[n] (bias[n] + sum_k x[row][k] weight[k][n]); bias may be 0; no sum overflows */
EDGEEEG_INLINE void edgeeeg_linear_quantized(const void *x, size_t x_width, const int8_t *weight,
                                             const int32_t *bias, const float *multiplier, void *y,
                                             size_t y_width, size_t rows, size_t k, size_t n) {
    for (size_t r = 0; r < rows; r++) {
        for (size_t o = 0; o < n; o++) {
            int32_t sum = bias ? bias[o] : 0;
            for (size_t i = 0; i < k; i++) {
                sum += edgeeeg_load(x, r * k + i, x_width) * weight[i * n + o];
            }
            edgeeeg_store(y, r * n + o, (float)sum * multiplier[o], y_width);
        }
    }
}

/* y[n][o][t] = multiplier[o] (bias[o] + sum_c sum_k weight[o][c][k] x[n][group c][t stride + k dilation -
 * before]); padding is 0; bias may be 0; no sum overflows */
EDGEEEG_INLINE void edgeeeg_conv_quantized(const void *x, size_t x_width, const int8_t *weight,
                                           const int32_t *bias, const float *multiplier, void *y,
                                           size_t y_width, const edgeeeg_window *window, size_t batch,
                                           size_t c_in, size_t c_out, size_t groups) {
    size_t made = 0;
    const size_t *in = window->in;
    const size_t *kernel = window->kernel;
    const size_t group_in = c_in / groups;
    const size_t group_out = c_out / groups;
    for (size_t n = 0; n < batch; n++) {
        for (size_t o = 0; o < c_out; o++) {
            const size_t first = (n * c_in + (o / group_out) * group_in) * in[0] * in[1] * in[2];
            const void *planes = edgeeeg_element(x, first, x_width);
            for (size_t t0 = 0; t0 < window->out[0]; t0++) {
                for (size_t t1 = 0; t1 < window->out[1]; t1++) {
                    for (size_t t2 = 0; t2 < window->out[2]; t2++) {
                        const int8_t *tap = weight + o * group_in * kernel[0] * kernel[1] * kernel[2];
                        int32_t sum = bias ? bias[o] : 0;
                        for (size_t c = 0; c < group_in; c++) {
                            for (size_t k0 = 0; k0 < kernel[0]; k0++) {
                                const size_t i0 = edgeeeg_at(window, 0, t0, k0);
                                for (size_t k1 = 0; k1 < kernel[1]; k1++) {
                                    const size_t i1 = edgeeeg_at(window, 1, t1, k1);
                                    const int outside = i0 >= in[0] || i1 >= in[1];
                                    for (size_t k2 = 0; k2 < kernel[2]; k2++) {
                                        const size_t i2 = edgeeeg_at(window, 2, t2, k2);
                                        if (!outside && i2 < in[2]) {
                                            const size_t at = ((c * in[0] + i0) * in[1] + i1) * in[2] + i2;
                                            sum += (int32_t)*tap * edgeeeg_load(planes, at, x_width);
                                        }
                                        tap++;
                                    }
                                }
                            }
                        }
                        edgeeeg_store(y, made++, (float)sum * multiplier[o], y_width);
                    }
                }
            }
        }
    }
}

/* one function for each pair of widths, whichever layers share it */
#define EDGEEEG_WEIGHTED(of_x, of_y, x_t, y_t)                                                              \
    static inline void edgeeeg_linear_##of_x##_##of_y(const x_t *x, const int8_t *weight,                   \
                                                      const int32_t *bias, const float *multiplier, y_t *y, \
                                                      size_t rows, size_t k, size_t n) {                    \
        edgeeeg_linear_quantized(x, sizeof *x, weight, bias, multiplier, y, sizeof *y, rows, k, n);         \
    }                                                                                                       \
    static inline void edgeeeg_conv_##of_x##_##of_y(                                                        \
        const x_t *x, const int8_t *weight, const int32_t *bias, const float *multiplier, y_t *y,           \
        const edgeeeg_window *window, size_t batch, size_t c_in, size_t c_out, size_t groups) {             \
        edgeeeg_conv_quantized(x, sizeof *x, weight, bias, multiplier, y, sizeof *y, window, batch, c_in,   \
                               c_out, groups);                                                              \
    }

EDGEEEG_WEIGHTED(int8, int8, int8_t, int8_t)
EDGEEEG_WEIGHTED(int8, int16, int8_t, edgeeeg_int16)
EDGEEEG_WEIGHTED(int16, int8, edgeeeg_int16, int8_t)
EDGEEEG_WEIGHTED(int16, int16, edgeeeg_int16, edgeeeg_int16)

#endif
