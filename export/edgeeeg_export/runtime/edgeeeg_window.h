/* Windows that slide over one to three axes, and pools. Sums in one fixed order, taps row-major. Compile with
 * -ffp-contract=off. */
#ifndef EDGEEEG_WINDOW_H
#define EDGEEEG_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "edgeeeg_integers.h"

/* Per axis: extents of input and output, window, padding before and behind; unused leading axes have extent 1
 */
typedef struct {
    size_t in[3];
    size_t out[3];
    size_t kernel[3];
    size_t stride[3];
    size_t dilation[3];
    size_t before[3];
    size_t after[3];
} edgeeeg_window;

/* Where tap k of output o lies on an axis; in front of the input it wraps to a huge number, so one comparison
 * with the extent tells what is padding */
static inline size_t edgeeeg_at(const edgeeeg_window *window, size_t axis, size_t o, size_t k) {
    return o * window->stride[axis] + k * window->dilation[axis] - window->before[axis];
}

/* y[p][t] = max_k x[p][t stride + k dilation - before]; padding is the lowest value of the type */
#define EDGEEEG_MAX_POOL(TYPE, SUFFIX, LOWEST)                                                           \
    static inline void edgeeeg_max_pool##SUFFIX(const TYPE *x, TYPE *y, const edgeeeg_window *window,    \
                                                size_t planes) {                                         \
        const size_t *in = window->in;                                                                   \
        for (size_t p = 0; p < planes; p++) {                                                            \
            const TYPE *plane = x + p * in[0] * in[1] * in[2];                                           \
            for (size_t t0 = 0; t0 < window->out[0]; t0++) {                                             \
                for (size_t t1 = 0; t1 < window->out[1]; t1++) {                                         \
                    for (size_t t2 = 0; t2 < window->out[2]; t2++) {                                     \
                        TYPE best = 0;                                                                   \
                        int first = 1;                                                                   \
                        for (size_t k0 = 0; k0 < window->kernel[0]; k0++) {                              \
                            const size_t i0 = edgeeeg_at(window, 0, t0, k0);                             \
                            for (size_t k1 = 0; k1 < window->kernel[1]; k1++) {                          \
                                const size_t i1 = edgeeeg_at(window, 1, t1, k1);                         \
                                for (size_t k2 = 0; k2 < window->kernel[2]; k2++) {                      \
                                    const size_t i2 = edgeeeg_at(window, 2, t2, k2);                     \
                                    const int inside = i0 < in[0] && i1 < in[1] && i2 < in[2];           \
                                    const TYPE value =                                                   \
                                        inside ? plane[(i0 * in[1] + i1) * in[2] + i2] : (TYPE)(LOWEST); \
                                    best = first || value > best ? value : best;                         \
                                    first = 0;                                                           \
                                }                                                                        \
                            }                                                                            \
                        }                                                                                \
                        *y++ = best;                                                                     \
                    }                                                                                    \
                }                                                                                        \
            }                                                                                            \
        }                                                                                                \
    }

EDGEEEG_MAX_POOL(float, , -3.4028235e+38f)
EDGEEEG_MAX_POOL(int8_t, _int8, -128)
EDGEEEG_MAX_POOL(edgeeeg_int16, _int16, -32768)

/* y[p][t] = (sum_k x[p][t stride + k dilation - before]) / n; n counts taps within x, with count_padding also
 * those within the padding */
static inline void edgeeeg_average_pool(const float *x, float *y, const edgeeeg_window *window, size_t planes,
                                        int count_padding) {
    const size_t *in = window->in;
    size_t counted[3]; /* elements of an axis that count, from `skipped` in front of the input on */
    size_t skipped[3];
    for (size_t axis = 0; axis < 3; axis++) {
        skipped[axis] = count_padding ? window->before[axis] : 0;
        counted[axis] = in[axis] + skipped[axis] + (count_padding ? window->after[axis] : 0);
    }
    for (size_t p = 0; p < planes; p++) {
        const float *plane = x + p * in[0] * in[1] * in[2];
        for (size_t t0 = 0; t0 < window->out[0]; t0++) {
            for (size_t t1 = 0; t1 < window->out[1]; t1++) {
                for (size_t t2 = 0; t2 < window->out[2]; t2++) {
                    float sum = 0.0f;
                    float count = 0.0f;
                    for (size_t k0 = 0; k0 < window->kernel[0]; k0++) {
                        const size_t i0 = edgeeeg_at(window, 0, t0, k0);
                        for (size_t k1 = 0; k1 < window->kernel[1]; k1++) {
                            const size_t i1 = edgeeeg_at(window, 1, t1, k1);
                            for (size_t k2 = 0; k2 < window->kernel[2]; k2++) {
                                const size_t i2 = edgeeeg_at(window, 2, t2, k2);
                                if (i0 < in[0] && i1 < in[1] && i2 < in[2]) {
                                    sum += plane[(i0 * in[1] + i1) * in[2] + i2];
                                }
                                if (i0 + skipped[0] < counted[0] && i1 + skipped[1] < counted[1] &&
                                    i2 + skipped[2] < counted[2]) {
                                    count += 1.0f;
                                }
                            }
                        }
                    }
                    *y++ = sum / count;
                }
            }
        }
    }
}

#endif
