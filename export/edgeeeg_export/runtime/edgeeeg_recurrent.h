/* One step of LSTM, GRU and RNN. A sum starts from its bias and adds inputs, then hidden values, in order.
 * Compile with -ffp-contract=off. */
#ifndef EDGEEEG_RECURRENT_H
#define EDGEEEG_RECURRENT_H

#include <stddef.h>

#include "edgeeeg_math.h"

/* sums[r] = start[r] + sum_k values[k] weight[r][k]; sums may be start */
static inline void edgeeeg_accumulate(const float *start, const float *values, const float *weight,
                                      float *sums, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++) {
        float sum = start[r];
        for (size_t k = 0; k < n; k++) {
            sum += values[k] * weight[r * n + k];
        }
        sums[r] = sum;
    }
}

/* Gates i, o, f, g: c = f c + i g, h = o tanh(c); scratch of 4 hidden */
static inline void edgeeeg_lstm(const float *x, const float *weight, const float *recurrent,
                                const float *bias, float *h, float *c, float *gates, size_t width,
                                size_t hidden) {
    edgeeeg_accumulate(bias, x, weight, gates, 4 * hidden, width);
    edgeeeg_accumulate(gates, h, recurrent, gates, 4 * hidden, hidden);
    for (size_t j = 0; j < hidden; j++) {
        const float kept = edgeeeg_sigmoid(gates[2 * hidden + j]) * c[j];
        c[j] = kept + edgeeeg_sigmoid(gates[j]) * edgeeeg_tanh(gates[3 * hidden + j]);
        h[j] = edgeeeg_sigmoid(gates[hidden + j]) * edgeeeg_tanh(c[j]);
    }
}

/* Gates z, r, candidate g: h = (1 - z) g + z h; scratch of 4 hidden: z, r, inputs and past of the candidate
 */
static inline void edgeeeg_gru(const float *x, const float *weight, const float *recurrent, const float *bias,
                               float *h, float *gates, size_t width, size_t hidden, int linear_before_reset) {
    float *z = gates;
    float *r = gates + hidden;
    float *drive = gates + 2 * hidden;
    float *past = gates + 3 * hidden;
    const float *recurrent_g = recurrent + 2 * hidden * hidden;
    edgeeeg_accumulate(bias, x, weight, gates, 3 * hidden, width);
    edgeeeg_accumulate(gates, h, recurrent, gates, 2 * hidden, hidden);
    for (size_t j = 0; j < hidden; j++) {
        z[j] = edgeeeg_sigmoid(z[j]);
        r[j] = edgeeeg_sigmoid(r[j]);
    }
    if (linear_before_reset) {
        edgeeeg_accumulate(bias + 3 * hidden, h, recurrent_g, past, hidden, hidden);
        for (size_t j = 0; j < hidden; j++) {
            past[j] = r[j] * past[j];
        }
    } else {
        for (size_t j = 0; j < hidden; j++) {
            r[j] = r[j] * h[j];
        }
        edgeeeg_accumulate(bias + 3 * hidden, r, recurrent_g, past, hidden, hidden);
    }
    for (size_t j = 0; j < hidden; j++) {
        const float g = edgeeeg_tanh(drive[j] + past[j]);
        h[j] = (1.0f - z[j]) * g + z[j] * h[j];
    }
}

/* h = tanh(bias + weight x + recurrent h); scratch of hidden */
static inline void edgeeeg_rnn(const float *x, const float *weight, const float *recurrent, const float *bias,
                               float *h, float *gates, size_t width, size_t hidden) {
    edgeeeg_accumulate(bias, x, weight, gates, hidden, width);
    edgeeeg_accumulate(gates, h, recurrent, gates, hidden, hidden);
    for (size_t j = 0; j < hidden; j++) {
        h[j] = edgeeeg_tanh(gates[j]);
    }
}

#endif
