/* Kernels along one axis, plain C99: `outer` blocks of `extent` elements that lie `inner` apart.
 * Sums run in the order of the axis. Compile with -ffp-contract=off and -fno-math-errno. */
#ifndef EDGEEEG_AXIS_H
#define EDGEEEG_AXIS_H

#include <stddef.h>

#include "edgeeeg_math.h"

static inline float edgeeeg_axis_max(const float *row, size_t extent, size_t inner) {
    float top = row[0];
    for (size_t k = 1; k < extent; k++) {
        top = row[k * inner] > top ? row[k * inner] : top;
    }
    return top;
}

/* y = exp(x - max) / sum exp(x - max) */
static inline void edgeeeg_softmax(const float *x, float *y, size_t outer, size_t extent, size_t inner) {
    for (size_t o = 0; o < outer; o++) {
        for (size_t i = 0; i < inner; i++) {
            const size_t row = o * extent * inner + i;
            const float top = edgeeeg_axis_max(x + row, extent, inner);
            float total = 0.0f;
            for (size_t k = 0; k < extent; k++) {
                y[row + k * inner] = edgeeeg_exp(x[row + k * inner] - top);
                total += y[row + k * inner];
            }
            for (size_t k = 0; k < extent; k++) {
                y[row + k * inner] = y[row + k * inner] / total;
            }
        }
    }
}

/* y = (x - max) - log(sum exp(x - max)) */
static inline void edgeeeg_log_softmax(const float *x, float *y, size_t outer, size_t extent, size_t inner) {
    for (size_t o = 0; o < outer; o++) {
        for (size_t i = 0; i < inner; i++) {
            const size_t row = o * extent * inner + i;
            const float top = edgeeeg_axis_max(x + row, extent, inner);
            float total = 0.0f;
            for (size_t k = 0; k < extent; k++) {
                y[row + k * inner] = x[row + k * inner] - top;
                total += edgeeeg_exp(y[row + k * inner]);
            }
            const float shift = edgeeeg_log(total);
            for (size_t k = 0; k < extent; k++) {
                y[row + k * inner] = y[row + k * inner] - shift;
            }
        }
    }
}

/* y = (x - mean) inv_std over each row of n values; mean and inv_std may be 0 */
static inline void edgeeeg_standardize(const float *x, float *y, float *mean, float *inv_std, size_t rows,
                                       size_t n, float epsilon) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * n;
        float sum = 0.0f;
        for (size_t k = 0; k < n; k++) {
            sum += row[k];
        }
        const float middle = sum / (float)n;
        float squares = 0.0f;
        for (size_t k = 0; k < n; k++) {
            const float apart = row[k] - middle;
            squares += apart * apart;
        }
        const float factor = 1.0f / __builtin_sqrtf(squares / (float)n + epsilon);
        for (size_t k = 0; k < n; k++) {
            y[r * n + k] = (row[k] - middle) * factor;
        }
        if (mean) {
            mean[r] = middle;
        }
        if (inv_std) {
            inv_std[r] = factor;
        }
    }
}

/* y = x / sqrt(mean of x x + epsilon) over each row of n values */
static inline void edgeeeg_rms_normalize(const float *x, float *y, size_t rows, size_t n, float epsilon) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * n;
        float squares = 0.0f;
        for (size_t k = 0; k < n; k++) {
            squares += row[k] * row[k];
        }
        const float factor = 1.0f / __builtin_sqrtf(squares / (float)n + epsilon);
        for (size_t k = 0; k < n; k++) {
            y[r * n + k] = row[k] * factor;
        }
    }
}

#endif
