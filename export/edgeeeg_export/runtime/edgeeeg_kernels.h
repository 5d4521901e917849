/* Reference kernels, plain C99. Sums run in one fixed order, so every compiler gives the same float.
 * Compile with -ffp-contract=off. Shapes are arguments; the generated calls pass constants. */
#ifndef EDGEEEG_KERNELS_H
#define EDGEEEG_KERNELS_H

#include <stddef.h>

#include "edgeeeg_attention.h"
#include "edgeeeg_axis.h"
#include "edgeeeg_conv.h"
#include "edgeeeg_dense.h"
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
