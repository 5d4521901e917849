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

/* Spectra of rows of n real values, n a power of two from 4: the transform of n / 2 complex values in place
 * in y, radix 2, then taken apart; twiddles (n, 2) hold cos and sin of -2 pi m / n; y (rows, n / 2 + 1, 2) */
static inline void edgeeeg_real_fft(const float *x, const float *twiddles, float *y, size_t rows, size_t n) {
    const size_t half = n / 2;
    for (size_t r = 0; r < rows; r++, x += n, y += n + 2) {
        size_t place = 0; /* j with its bits reversed */
        for (size_t j = 0; j < half; j++) {
            y[2 * place] = x[2 * j];
            y[2 * place + 1] = x[2 * j + 1];
            size_t bit = half / 2;
            while (bit && (place & bit)) {
                place ^= bit;
                bit /= 2;
            }
            place |= bit;
        }
        for (size_t size = 1; size < half; size *= 2) {
            const size_t turn = half / size;
            for (size_t k = 0; k < size; k++) {
                const float cosine = twiddles[2 * k * turn];
                const float sine = twiddles[2 * k * turn + 1];
                for (size_t start = k; start < half; start += 2 * size) {
                    float *a = y + 2 * start;
                    float *b = a + 2 * size;
                    const float real = b[0] * cosine - b[1] * sine;
                    const float imaginary = b[0] * sine + b[1] * cosine;
                    b[0] = a[0] - real;
                    b[1] = a[1] - imaginary;
                    a[0] = a[0] + real;
                    a[1] = a[1] + imaginary;
                }
            }
        }
        const float mean = y[0];
        y[0] = mean + y[1];
        y[n] = mean - y[1];
        y[1] = 0.0f;
        y[n + 1] = 0.0f;
        y[half + 1] = -y[half + 1];
        for (size_t k = 1; k < half / 2; k++) {
            float *a = y + 2 * k;
            float *b = y + 2 * (half - k);
            const float even_real = 0.5f * (a[0] + b[0]);
            const float even_imaginary = 0.5f * (a[1] - b[1]);
            const float odd_real = 0.5f * (a[1] + b[1]);
            const float odd_imaginary = 0.5f * (b[0] - a[0]);
            const float real = odd_real * twiddles[2 * k] - odd_imaginary * twiddles[2 * k + 1];
            const float imaginary = odd_real * twiddles[2 * k + 1] + odd_imaginary * twiddles[2 * k];
            a[0] = even_real + real;
            a[1] = even_imaginary + imaginary;
            b[0] = even_real - real;
            b[1] = imaginary - even_imaginary;
        }
    }
}

#endif
