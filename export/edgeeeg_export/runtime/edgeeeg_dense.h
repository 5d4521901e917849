/* Dense layers: features of a row (linear), channels of frames (mix), sums of a recurrent cell (accumulate).
 * Several sums run side by side, each in the order of its inputs. Compile with -ffp-contract=off. */
#ifndef EDGEEEG_DENSE_H
#define EDGEEEG_DENSE_H

#include <stddef.h>

#include "edgeeeg_lanes.h"

/* Outputs 0 … lanes - 1 of a row of n_out, as edgeeeg_linear has them */
static inline void edgeeeg_linear_lanes(const float *x, const float *weight, const float *bias, float *y,
                                        size_t k_in, size_t n_out) {
    edgeeeg_lanes sum = bias ? edgeeeg_lanes_load(bias) : edgeeeg_lanes_all(0.0f);
    for (size_t k = 0; k < k_in; k++) {
        sum += x[k] * edgeeeg_lanes_load(weight + k * n_out);
    }
    edgeeeg_lanes_store(y, sum);
}

/* The same four times over, from one reading of x */
static inline void edgeeeg_linear_4_lanes(const float *x, const float *weight, const float *bias, float *y,
                                          size_t k_in, size_t n_out) {
    const edgeeeg_lanes none = edgeeeg_lanes_all(0.0f);
    edgeeeg_lanes s0 = bias ? edgeeeg_lanes_load(bias) : none;
    edgeeeg_lanes s1 = bias ? edgeeeg_lanes_load(bias + EDGEEEG_LANES) : none;
    edgeeeg_lanes s2 = bias ? edgeeeg_lanes_load(bias + 2 * EDGEEEG_LANES) : none;
    edgeeeg_lanes s3 = bias ? edgeeeg_lanes_load(bias + 3 * EDGEEEG_LANES) : none;
    for (size_t k = 0; k < k_in; k++) {
        s0 += x[k] * edgeeeg_lanes_load(weight);
        s1 += x[k] * edgeeeg_lanes_load(weight + EDGEEEG_LANES);
        s2 += x[k] * edgeeeg_lanes_load(weight + 2 * EDGEEEG_LANES);
        s3 += x[k] * edgeeeg_lanes_load(weight + 3 * EDGEEEG_LANES);
        weight += n_out;
    }
    edgeeeg_lanes_store(y, s0);
    edgeeeg_lanes_store(y + EDGEEEG_LANES, s1);
    edgeeeg_lanes_store(y + 2 * EDGEEEG_LANES, s2);
    edgeeeg_lanes_store(y + 3 * EDGEEEG_LANES, s3);
}

/* y[r][n] = bias[n] + sum_k x[r][k] weight[k][n]; bias may be 0 */
static inline void edgeeeg_linear(const float *x, const float *weight, const float *bias, float *y,
                                  size_t rows, size_t k_in, size_t n_out) {
    const size_t wide = n_out - n_out % (4 * EDGEEEG_LANES);
    const size_t whole = n_out - n_out % EDGEEEG_LANES;
    for (size_t r = 0; r < rows; r++) {
        for (size_t n = 0; n < wide; n += 4 * EDGEEEG_LANES) {
            edgeeeg_linear_4_lanes(x, weight + n, bias ? bias + n : 0, y + n, k_in, n_out);
        }
        for (size_t n = wide; n < whole; n += EDGEEEG_LANES) {
            edgeeeg_linear_lanes(x, weight + n, bias ? bias + n : 0, y + n, k_in, n_out);
        }
        if (0 < whole && whole < n_out) { /* some outputs again, rather than the last ones one by one */
            const size_t n = n_out - EDGEEEG_LANES;
            edgeeeg_linear_lanes(x, weight + n, bias ? bias + n : 0, y + n, k_in, n_out);
        }
        for (size_t n = 0; n < (whole ? 0 : n_out); n++) {
            float sum = bias ? bias[n] : 0.0f;
            for (size_t k = 0; k < k_in; k++) {
                sum += x[k] * weight[k * n_out + n];
            }
            y[n] = sum;
        }
        x += k_in;
        y += n_out;
    }
}

/* start + sum_k values[k stride] weight[k] */
EDGEEEG_INLINE float edgeeeg_accumulate_one(float start, const float *values, size_t stride,
                                            const float *weight, size_t n) {
    for (size_t k = 0; k < n; k++) {
        start += values[k * stride] * weight[k];
    }
    return start;
}

/* sums[r] = start[r] + sum_k values[k stride] weight[r][k]; sums may be start, which may be 0 */
static inline void edgeeeg_accumulate_strided(const float *start, const float *values, size_t stride,
                                              const float *weight, float *sums, size_t rows, size_t n) {
    const size_t fours = rows - rows % 4;
    for (size_t r = 0; r < fours; r += 4) {
        const float *w0 = weight + r * n;
        const float *w1 = w0 + n;
        const float *w2 = w1 + n;
        const float *w3 = w2 + n;
        float s0 = start ? start[r] : 0.0f;
        float s1 = start ? start[r + 1] : 0.0f;
        float s2 = start ? start[r + 2] : 0.0f;
        float s3 = start ? start[r + 3] : 0.0f;
        for (size_t k = 0; k < n; k++) {
            const float value = values[k * stride];
            s0 += value * w0[k];
            s1 += value * w1[k];
            s2 += value * w2[k];
            s3 += value * w3[k];
        }
        sums[r] = s0;
        sums[r + 1] = s1;
        sums[r + 2] = s2;
        sums[r + 3] = s3;
    }
    for (size_t r = fours; r < rows; r++) {
        sums[r] = edgeeeg_accumulate_one(start ? start[r] : 0.0f, values, stride, weight + r * n, n);
    }
}

/* The same of neighbouring values */
static inline void edgeeeg_accumulate(const float *start, const float *values, const float *weight,
                                      float *sums, size_t rows, size_t n) {
    edgeeeg_accumulate_strided(start, values, 1, weight, sums, rows, n);
}

/* block[o] = bias[o] + sum_c weight[o][c] x[c], all of them lanes of neighbouring frames; bias may be 0 */
static inline void edgeeeg_mix_lanes(const float *x, const float *weight, const float *bias, float *block,
                                     size_t c_in, size_t c_out, size_t frames) {
    const size_t fours = c_out - c_out % 4;
    for (size_t o = 0; o < fours; o += 4) {
        const float *w = weight + o * c_in;
        edgeeeg_lanes s0 = edgeeeg_lanes_all(bias ? bias[o] : 0.0f);
        edgeeeg_lanes s1 = edgeeeg_lanes_all(bias ? bias[o + 1] : 0.0f);
        edgeeeg_lanes s2 = edgeeeg_lanes_all(bias ? bias[o + 2] : 0.0f);
        edgeeeg_lanes s3 = edgeeeg_lanes_all(bias ? bias[o + 3] : 0.0f);
        for (size_t c = 0; c < c_in; c++) {
            const edgeeeg_lanes values = edgeeeg_lanes_load(x + c * frames);
            s0 += w[c] * values;
            s1 += w[c_in + c] * values;
            s2 += w[2 * c_in + c] * values;
            s3 += w[3 * c_in + c] * values;
        }
        edgeeeg_lanes_store(block + o * EDGEEEG_LANES, s0);
        edgeeeg_lanes_store(block + (o + 1) * EDGEEEG_LANES, s1);
        edgeeeg_lanes_store(block + (o + 2) * EDGEEEG_LANES, s2);
        edgeeeg_lanes_store(block + (o + 3) * EDGEEEG_LANES, s3);
    }
    for (size_t o = fours; o < c_out; o++) {
        edgeeeg_lanes sum = edgeeeg_lanes_all(bias ? bias[o] : 0.0f);
        for (size_t c = 0; c < c_in; c++) {
            sum += weight[o * c_in + c] * edgeeeg_lanes_load(x + c * frames);
        }
        edgeeeg_lanes_store(block + o * EDGEEEG_LANES, sum);
    }
}

/* y[o][t] = bias[o] + sum_c weight[o][c] x[c][t]; y may be x, as frames are whole before they are written;
 * block is working memory of c_out lanes; bias may be 0 */
static inline void edgeeeg_mix(const float *x, const float *weight, const float *bias, float *y, float *block,
                               size_t c_in, size_t c_out, size_t frames) {
    const size_t whole = frames - frames % EDGEEEG_LANES;
    for (size_t t = 0; t < whole; t += EDGEEEG_LANES) {
        edgeeeg_mix_lanes(x + t, weight, bias, block, c_in, c_out, frames);
        for (size_t o = 0; o < c_out; o++) {
            edgeeeg_lanes_store(y + o * frames + t, edgeeeg_lanes_load(block + o * EDGEEEG_LANES));
        }
    }
    for (size_t t = whole; t < frames; t++) {
        edgeeeg_accumulate_strided(bias, x + t, frames, weight, block, c_out, c_in);
        for (size_t o = 0; o < c_out; o++) {
            y[o * frames + t] = block[o];
        }
    }
}

#endif
