/* The discrete Fourier transform. Sums in one fixed order. Compile with -ffp-contract=off. */
#ifndef EDGEEEG_SPECTRUM_H
#define EDGEEEG_SPECTRUM_H

#include <stddef.h>

/* y[k] = sum_j x[j] twiddles[j k mod n] of complex numbers, along an axis of `extent` elements `inner` apart;
 * x has one or two `parts`; inverse divides by n */
static inline void edgeeeg_dft(const float *x, const float *twiddles, float *y, size_t outer, size_t extent,
                               size_t inner, size_t parts, size_t n, size_t bins, int inverse) {
    const size_t used = extent < n ? extent : n;
    for (size_t o = 0; o < outer; o++) {
        for (size_t k = 0; k < bins; k++) {
            for (size_t i = 0; i < inner; i++) {
                float real = 0.0f;
                float imaginary = 0.0f;
                size_t turn = 0; /* j k mod n */
                for (size_t j = 0; j < used; j++) {
                    const float *value = x + ((o * extent + j) * inner + i) * parts;
                    const float cosine = twiddles[2 * turn];
                    const float sine = twiddles[2 * turn + 1];
                    real += value[0] * cosine;
                    imaginary += value[0] * sine;
                    if (parts == 2) {
                        real -= value[1] * sine;
                        imaginary += value[1] * cosine;
                    }
                    turn += k;
                    if (turn >= n) {
                        turn -= n;
                    }
                }
                *y++ = inverse ? real / (float)n : real;
                *y++ = inverse ? imaginary / (float)n : imaginary;
            }
        }
    }
}

#endif
