/* Diagonal state spaces. Sums over the states of a feature run in their order, from 0. Memories that have
 * decayed to 2^-80 become 0: a product rounded to nearest keeps the smallest subnormal numbers for ever, and
 * they are slow on some processors and flushed by others. Compile with -ffp-contract=off. */
#ifndef EDGEEEG_STATE_SPACE_H
#define EDGEEEG_STATE_SPACE_H

#include <stddef.h>

#include "edgeeeg_math.h"

/* h = exp(delta a) h + (delta u) b; y = sum_n h c + d u */
static inline void edgeeeg_selective_scan(const float *u, const float *delta, const float *a, const float *b,
                                          const float *c, const float *d, float *restrict h,
                                          float *restrict y, size_t frames, size_t width, size_t n_states) {
    for (size_t t = 0; t < frames; t++) {
        for (size_t i = 0; i < width; i++) {
            const float step = delta[t * width + i];
            const float drive = step * u[t * width + i];
            float sum = 0.0f;
            for (size_t n = 0; n < n_states; n++) {
                float *state = h + i * n_states + n;
                const float decay = edgeeeg_exp(step * a[i * n_states + n]);
                *state = edgeeeg_flush(decay * *state + drive * b[t * n_states + n]);
                sum += *state * c[t * n_states + n];
            }
            y[t * width + i] = sum + d[i] * u[t * width + i];
        }
    }
}

/* h = lambda h + u, complex; y = sum_n (c_re h_re - c_im h_im) + d u */
static inline void edgeeeg_s4d(const float *u, const float *lambda_re, const float *lambda_im,
                               const float *c_re, const float *c_im, const float *d, float *restrict h_re,
                               float *restrict h_im, float *restrict y, size_t frames, size_t width,
                               size_t n_states) {
    for (size_t t = 0; t < frames; t++) {
        for (size_t i = 0; i < width; i++) {
            const float drive = u[t * width + i];
            float sum = 0.0f;
            for (size_t n = i * n_states; n < (i + 1) * n_states; n++) {
                const float re = lambda_re[n] * h_re[n] - lambda_im[n] * h_im[n];
                const float im = lambda_re[n] * h_im[n] + lambda_im[n] * h_re[n];
                h_re[n] = edgeeeg_flush(re + drive);
                h_im[n] = edgeeeg_flush(im);
                sum += c_re[n] * h_re[n] - c_im[n] * h_im[n];
            }
            y[t * width + i] = sum + d[i] * drive;
        }
    }
}

#endif
