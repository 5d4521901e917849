/* One step of LSTM, GRU and RNN whose matrices are int8. What they multiply is rounded to int8 or int16 on
 * the way in and summed exactly; gates and memories are floats. Compile with -ffp-contract=off. */
#ifndef EDGEEEG_QUANTIZED_RECURRENT_H
#define EDGEEEG_QUANTIZED_RECURRENT_H

#include <stddef.h>
#include <stdint.h>

#include "edgeeeg_quantized.h"
#include "edgeeeg_recurrent.h"
#if defined(EDGEEEG_HELIUM)
#include "edgeeeg_helium_dot.h"
#elif defined(EDGEEEG_DSP)
#include "edgeeeg_dsp_dense.h"
#endif

/* sums[r] = start[r] + multiplier[r] sum_k values[k] weight[r][k]; sums may be start */
EDGEEEG_INLINE void edgeeeg_accumulate_int8(const float *start, const void *values, size_t width,
                                            const int8_t *weight, const float *multiplier, float *sums,
                                            size_t rows, size_t n) {
    size_t r = 0;
#if defined(EDGEEEG_HELIUM)
    for (const size_t fours = rows & ~(size_t)3; r < fours; r += 4) {
        int32_t four[4] = {0, 0, 0, 0};
        edgeeeg_dot4_family(values, width, weight + r * n, n, n, four);
        for (size_t j = 0; j < 4; j++) {
            sums[r + j] = start[r + j] + (float)four[j] * multiplier[r + j];
        }
    }
#elif defined(EDGEEEG_DSP)
    for (const size_t fours = rows & ~(size_t)3; r < fours; r += 4) {
        const edgeeeg_four four = edgeeeg_four_rows(values, width, weight + r * n, n);
        sums[r] = start[r] + (float)four.s0 * multiplier[r];
        sums[r + 1] = start[r + 1] + (float)four.s1 * multiplier[r + 1];
        sums[r + 2] = start[r + 2] + (float)four.s2 * multiplier[r + 2];
        sums[r + 3] = start[r + 3] + (float)four.s3 * multiplier[r + 3];
    }
#endif
    for (; r < rows; r++) {
        int32_t sum = 0;
        for (size_t k = 0; k < n; k++) {
            sum += edgeeeg_load(values, k, width) * weight[r * n + k];
        }
        sums[r] = start[r] + (float)sum * multiplier[r];
    }
}

/* memories in whole steps of an int16 */
static inline void edgeeeg_to_whole_steps(float *memory, float scale, size_t count) {
    for (size_t i = 0; i < count; i++) {
        memory[i] = (float)edgeeeg_saturate(memory[i] / scale, -32768.0f, 32639.0f) * scale;
    }
}

/* Gates i, o, f, g; scratch of 4 hidden floats and of hidden integers */
EDGEEEG_INLINE void edgeeeg_lstm_int8(const void *x, const int8_t *weight, const int8_t *recurrent,
                                      const float *bias, const float *of_x, const float *of_h, float *h,
                                      float *c, float *gates, void *whole, size_t width, size_t hidden,
                                      float h_scale, size_t x_bytes, size_t h_bytes) {
    edgeeeg_accumulate_int8(bias, x, x_bytes, weight, of_x, gates, 4 * hidden, width);
    edgeeeg_quantize(h, whole, h_bytes, h_scale, hidden);
    edgeeeg_accumulate_int8(gates, whole, h_bytes, recurrent, of_h, gates, 4 * hidden, hidden);
    edgeeeg_lstm_gates(gates, h, c, hidden);
}

/* Gates z, r, candidate g; scratch of 4 hidden floats and of hidden integers */
EDGEEEG_INLINE void edgeeeg_gru_int8(const void *x, const int8_t *weight, const int8_t *recurrent,
                                     const float *bias, const float *of_x, const float *of_h, float *h,
                                     float *gates, void *whole, size_t width, size_t hidden,
                                     int linear_before_reset, float h_scale, size_t x_bytes, size_t h_bytes) {
    float *r = gates + hidden;
    float *past = gates + 3 * hidden;
    const int8_t *recurrent_g = recurrent + 2 * hidden * hidden;
    edgeeeg_accumulate_int8(bias, x, x_bytes, weight, of_x, gates, 3 * hidden, width);
    edgeeeg_quantize(h, whole, h_bytes, h_scale, hidden);
    edgeeeg_accumulate_int8(gates, whole, h_bytes, recurrent, of_h, gates, 2 * hidden, hidden);
    edgeeeg_gru_gates(gates, 2 * hidden);
    if (!linear_before_reset) {
        edgeeeg_gru_reset(r, h, r, hidden);
        edgeeeg_quantize(r, whole, h_bytes, h_scale, hidden);
    }
    edgeeeg_accumulate_int8(bias + 3 * hidden, whole, h_bytes, recurrent_g, of_h + 2 * hidden, past, hidden,
                            hidden);
    if (linear_before_reset) {
        edgeeeg_gru_reset(r, past, past, hidden);
    }
    edgeeeg_gru_update(gates, gates + 2 * hidden, past, h, hidden);
}

/* h = tanh(bias + weight x + recurrent h); scratch of hidden floats and as many integers */
EDGEEEG_INLINE void edgeeeg_rnn_int8(const void *x, const int8_t *weight, const int8_t *recurrent,
                                     const float *bias, const float *of_x, const float *of_h, float *h,
                                     float *gates, void *whole, size_t width, size_t hidden, float h_scale,
                                     size_t x_bytes, size_t h_bytes) {
    edgeeeg_accumulate_int8(bias, x, x_bytes, weight, of_x, gates, hidden, width);
    edgeeeg_quantize(h, whole, h_bytes, h_scale, hidden);
    edgeeeg_accumulate_int8(gates, whole, h_bytes, recurrent, of_h, gates, hidden, hidden);
    edgeeeg_rnn_update(gates, h, hidden);
}

#endif
