/* Reference kernels, plain C99. Sums run in one fixed order, so every compiler gives the same float.
 * Compile with -ffp-contract=off. Shapes are arguments; the generated calls pass constants. */
#ifndef EDGEEEG_KERNELS_H
#define EDGEEEG_KERNELS_H

#include <stddef.h>

#include "edgeeeg_attention.h"
#include "edgeeeg_axis.h"
#include "edgeeeg_events.h"
#include "edgeeeg_math.h"
#include "edgeeeg_quantized.h"
#include "edgeeeg_quantized_cells.h"
#include "edgeeeg_quantized_layers.h"
#include "edgeeeg_quantized_recurrent.h"
#include "edgeeeg_recurrent.h"
#include "edgeeeg_select.h"
#include "edgeeeg_spectrum.h"
#include "edgeeeg_spiking.h"
#include "edgeeeg_state_space.h"
#include "edgeeeg_stream.h"
#include "edgeeeg_window.h"

/* y[r][n] = bias[n] + sum_k x[r][k] weight[k][n]; bias may be 0 */
static inline void edgeeeg_linear(const float *x, const float *weight, const float *bias, float *y,
                                  size_t rows, size_t k_in, size_t n_out) {
    for (size_t r = 0; r < rows; r++) {
        for (size_t n = 0; n < n_out; n++) {
            float sum = bias ? bias[n] : 0.0f;
            for (size_t k = 0; k < k_in; k++) {
                sum += x[r * k_in + k] * weight[k * n_out + n];
            }
            y[r * n_out + n] = sum;
        }
    }
}

/* y[o][t] = bias[o] + sum_c weight[o][c] x[c][t]; y may be x, as a frame is whole before it is written; bias
 * may be 0 */
static inline void edgeeeg_mix(const float *x, const float *weight, const float *bias, float *y, float *frame,
                               size_t c_in, size_t c_out, size_t frames) {
    for (size_t t = 0; t < frames; t++) {
        for (size_t o = 0; o < c_out; o++) {
            float sum = bias ? bias[o] : 0.0f;
            for (size_t c = 0; c < c_in; c++) {
                sum += weight[o * c_in + c] * x[c * frames + t];
            }
            frame[o] = sum;
        }
        for (size_t o = 0; o < c_out; o++) {
            y[o * frames + t] = frame[o];
        }
    }
}

/* y[o][t] = bias[o] + sum_c sum_k weight[o][c][k] x[group c][t stride + k dilation]; bias may be 0 */
static inline void edgeeeg_conv1d(const float *x, const float *weight, const float *bias, float *y,
                                  size_t c_in, size_t t_in, size_t c_out, size_t t_out, size_t kernel,
                                  size_t stride, size_t dilation, size_t groups) {
    const size_t group_in = c_in / groups;
    const size_t group_out = c_out / groups;
    for (size_t o = 0; o < c_out; o++) {
        const float *taps = weight + o * group_in * kernel;
        const float *rows = x + (o / group_out) * group_in * t_in;
        for (size_t t = 0; t < t_out; t++) {
            float sum = bias ? bias[o] : 0.0f;
            for (size_t c = 0; c < group_in; c++) {
                const float *row = rows + c * t_in + t * stride;
                for (size_t k = 0; k < kernel; k++) {
                    sum += taps[c * kernel + k] * row[k * dilation];
                }
            }
            y[o * t_out + t] = sum;
        }
    }
}

/* Second-order sections (b0, beta1, beta2, alpha1, alpha2) in a row, each the transposed direct form II of
 * the delta operator; memory (channels, sections, 2); y may be x */
static inline void edgeeeg_biquad(const float *x, const float *coefficients, float *memory, float *y,
                                  size_t channels, size_t frames, size_t sections) {
    for (size_t c = 0; c < channels; c++) {
        float *out = y + c * frames;
        for (size_t s = 0; s < sections; s++) {
            const float *in = s ? out : x + c * frames;
            const float *k = coefficients + 5 * s;
            float *d = memory + 2 * (c * sections + s);
            for (size_t t = 0; t < frames; t++) {
                const float value = in[t];
                const float result = k[0] * value + d[0];
                d[0] = edgeeeg_flush(d[0] + ((k[1] * value - k[3] * result) + d[1]));
                d[1] = edgeeeg_flush(d[1] + (k[2] * value - k[4] * result));
                out[t] = result;
            }
        }
    }
}

/* gain = alpha / weight of all samples so far; mean += gain (x - mean); y may be x */
static inline void edgeeeg_moving_average(const float *x, const float *alpha, float *weight, float *mean,
                                          float *y, size_t channels, size_t frames) {
    for (size_t t = 0; t < frames; t++) {
        *weight = *weight + *alpha * (1.0f - *weight);
        const float gain = *alpha / *weight;
        for (size_t c = 0; c < channels; c++) {
            const float value = x[c * frames + t];
            mean[c] = edgeeeg_flush(mean[c] + gain * (value - mean[c]));
            y[c * frames + t] = mean[c];
        }
    }
}

/* y = (x - mean) / sqrt(variance + epsilon) with the exponentially weighted moments so far; y may be x */
static inline void edgeeeg_running_z_score(const float *x, const float *alpha, float *weight, float *mean,
                                           float *variance, float *y, size_t channels, size_t frames,
                                           float epsilon) {
    for (size_t t = 0; t < frames; t++) {
        *weight = *weight + *alpha * (1.0f - *weight);
        const float gain = *alpha / *weight;
        const float kept = 1.0f - gain;
        for (size_t c = 0; c < channels; c++) {
            const float value = x[c * frames + t];
            const float apart = value - mean[c];
            const float moved = gain * apart;
            mean[c] = edgeeeg_flush(mean[c] + moved);
            variance[c] = edgeeeg_flush(kept * (variance[c] + apart * moved));
            y[c * frames + t] = (value - mean[c]) / __builtin_sqrtf(variance[c] + epsilon);
        }
    }
}

#endif
