/* Integer layers: int8 or int16 operands, int32 sums, one float32 multiplication and a rounding half to even
 * on the way out. Sums are exact, so their order is free. Compile with -ffp-contract=off. */
#ifndef EDGEEEG_QUANTIZED_H
#define EDGEEEG_QUANTIZED_H

#include <stddef.h>
#include <stdint.h>

#include "edgeeeg_integers.h"
#include "edgeeeg_window.h"

/* the whole number next to a value within low and high, ties to even; |low| and |high| below 2^22 */
static inline int32_t edgeeeg_saturate(float value, float low, float high) {
    const float kept = value < low ? low : value > high ? high : value;
    return (int32_t)((kept + 12582912.0f) - 12582912.0f);
}

static inline int8_t edgeeeg_requantize(int32_t sum, float multiplier) {
    return (int8_t)edgeeeg_saturate((float)sum * multiplier, -128.0f, 127.0f);
}

/* y = x / scale */
static inline void edgeeeg_quantize(const float *x, int8_t *y, float scale, size_t count) {
    for (size_t i = 0; i < count; i++) {
        y[i] = (int8_t)edgeeeg_saturate(x[i] / scale, -128.0f, 127.0f);
    }
}

/* y = x scale */
static inline void edgeeeg_dequantize(const int8_t *x, float *y, float scale, size_t count) {
    for (size_t i = 0; i < count; i++) {
        y[i] = (float)x[i] * scale;
    }
}

/* y = table[x + 128] */
static inline void edgeeeg_table(const int8_t *x, const int8_t *table, int8_t *y, size_t count) {
    for (size_t i = 0; i < count; i++) {
        y[i] = table[x[i] + 128];
    }
}

/* y = a left + b right, in that order */
static inline void edgeeeg_add_int8(const int8_t *left, const int8_t *right, int8_t *y, float a, float b,
                                    size_t count) {
    for (size_t i = 0; i < count; i++) {
        y[i] = (int8_t)edgeeeg_saturate((float)left[i] * a + (float)right[i] * b, -128.0f, 127.0f);
    }
}

/* y = multiplier left right; the product is exact */
static inline void edgeeeg_mul_int8(const int8_t *left, const int8_t *right, int8_t *y, float multiplier,
                                    size_t count) {
    for (size_t i = 0; i < count; i++) {
        y[i] = edgeeeg_requantize((int32_t)left[i] * right[i], multiplier);
    }
}

/* y = max(x, 0) */
static inline void edgeeeg_relu_int8(const int8_t *x, int8_t *y, size_t count) {
    for (size_t i = 0; i < count; i++) {
        y[i] = x[i] > 0 ? x[i] : 0;
    }
}

/* y[row][n] = multiplier[n] (bias[n] + sum_k x[row][k] weight[k][n]); bias may be 0 */
static inline void edgeeeg_linear_int8(const int8_t *x, const int8_t *weight, const int32_t *bias,
                                       const float *multiplier, int8_t *y, size_t rows, size_t k, size_t n) {
    for (size_t r = 0; r < rows; r++) {
        for (size_t o = 0; o < n; o++) {
            int32_t sum = bias ? bias[o] : 0;
            for (size_t i = 0; i < k; i++) {
                sum += (int32_t)x[r * k + i] * weight[i * n + o];
            }
            y[r * n + o] = edgeeeg_requantize(sum, multiplier[o]);
        }
    }
}

/* y[n][o][t] = multiplier[o] (bias[o] + sum_c sum_k weight[o][c][k] x[n][group c][t stride + k dilation -
 * before]); padding is 0; bias may be 0 */
static inline void edgeeeg_conv_int8(const int8_t *x, const int8_t *weight, const int32_t *bias,
                                     const float *multiplier, int8_t *y, const edgeeeg_window *window,
                                     size_t batch, size_t c_in, size_t c_out, size_t groups) {
    const size_t *in = window->in;
    const size_t *kernel = window->kernel;
    const size_t group_in = c_in / groups;
    const size_t group_out = c_out / groups;
    for (size_t n = 0; n < batch; n++) {
        for (size_t o = 0; o < c_out; o++) {
            const int8_t *planes = x + (n * c_in + (o / group_out) * group_in) * in[0] * in[1] * in[2];
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
                                            sum += (int32_t)*tap * planes[at];
                                        }
                                        tap++;
                                    }
                                }
                            }
                        }
                        *y++ = edgeeeg_requantize(sum, multiplier[o]);
                    }
                }
            }
        }
    }
}

#endif
