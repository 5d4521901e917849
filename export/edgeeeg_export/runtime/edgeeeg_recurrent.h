/* One step of LSTM, GRU and RNN. A sum starts from its bias and adds inputs, then hidden values, in order.
 * Compile with -ffp-contract=off. */
#ifndef EDGEEEG_RECURRENT_H
#define EDGEEEG_RECURRENT_H

#include <stddef.h>

#include "edgeeeg_dense.h"
#include "edgeeeg_math.h"

/* From the sums of i, o, f, g: c = f c + i g, h = o tanh(c) */
static inline void edgeeeg_lstm_gates(const float *gates, float *h, float *c, size_t hidden) {
    for (size_t j = 0; j < hidden; j++) {
        const float kept = edgeeeg_sigmoid(gates[2 * hidden + j]) * c[j];
        c[j] = kept + edgeeeg_sigmoid(gates[j]) * edgeeeg_tanh(gates[3 * hidden + j]);
        h[j] = edgeeeg_sigmoid(gates[hidden + j]) * edgeeeg_tanh(c[j]);
    }
}

/* sums[j] = sigmoid(sums[j]) */
static inline void edgeeeg_gru_gates(float *sums, size_t count) {
    for (size_t j = 0; j < count; j++) {
        sums[j] = edgeeeg_sigmoid(sums[j]);
    }
}

/* product[j] = r[j] value[j]; product may be either */
static inline void edgeeeg_gru_reset(const float *r, const float *value, float *product, size_t hidden) {
    for (size_t j = 0; j < hidden; j++) {
        product[j] = r[j] * value[j];
    }
}

/* h = (1 - z) g + z h, g = tanh(drive + past) */
static inline void edgeeeg_gru_update(const float *z, const float *drive, const float *past, float *h,
                                      size_t hidden) {
    for (size_t j = 0; j < hidden; j++) {
        const float g = edgeeeg_tanh(drive[j] + past[j]);
        h[j] = (1.0f - z[j]) * g + z[j] * h[j];
    }
}

/* h = tanh(sums) */
static inline void edgeeeg_rnn_update(const float *sums, float *h, size_t hidden) {
    for (size_t j = 0; j < hidden; j++) {
        h[j] = edgeeeg_tanh(sums[j]);
    }
}

/* Gates i, o, f, g; scratch of 4 hidden */
static inline void edgeeeg_lstm(const float *x, const float *weight, const float *recurrent,
                                const float *bias, float *h, float *c, float *gates, size_t width,
                                size_t hidden) {
    edgeeeg_accumulate(bias, x, weight, gates, 4 * hidden, width);
    edgeeeg_accumulate(gates, h, recurrent, gates, 4 * hidden, hidden);
    edgeeeg_lstm_gates(gates, h, c, hidden);
}

/* Gates z, r, candidate g: h = (1 - z) g + z h; scratch of 4 hidden: z, r, inputs and past of the candidate
 */
static inline void edgeeeg_gru(const float *x, const float *weight, const float *recurrent, const float *bias,
                               float *h, float *gates, size_t width, size_t hidden, int linear_before_reset) {
    const float *z = gates;
    float *r = gates + hidden;
    const float *drive = gates + 2 * hidden;
    float *past = gates + 3 * hidden;
    const float *recurrent_g = recurrent + 2 * hidden * hidden;
    edgeeeg_accumulate(bias, x, weight, gates, 3 * hidden, width);
    edgeeeg_accumulate(gates, h, recurrent, gates, 2 * hidden, hidden);
    edgeeeg_gru_gates(gates, 2 * hidden);
    if (linear_before_reset) {
        edgeeeg_accumulate(bias + 3 * hidden, h, recurrent_g, past, hidden, hidden);
        edgeeeg_gru_reset(r, past, past, hidden);
    } else {
        edgeeeg_gru_reset(r, h, r, hidden);
        edgeeeg_accumulate(bias + 3 * hidden, r, recurrent_g, past, hidden, hidden);
    }
    edgeeeg_gru_update(z, drive, past, h, hidden);
}

/* h = tanh(bias + weight x + recurrent h); scratch of hidden */
static inline void edgeeeg_rnn(const float *x, const float *weight, const float *recurrent, const float *bias,
                               float *h, float *gates, size_t width, size_t hidden) {
    edgeeeg_accumulate(bias, x, weight, gates, hidden, width);
    edgeeeg_accumulate(gates, h, recurrent, gates, hidden, hidden);
    edgeeeg_rnn_update(gates, h, hidden);
}

#endif
