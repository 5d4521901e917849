/* Elements weighed or sorted along an axis of `extent` elements that lie `inner` apart.
 * Compile with -ffp-contract=off. */
#ifndef EDGEEEG_SELECT_H
#define EDGEEEG_SELECT_H

#include <stddef.h>
#include <stdint.h>

/* y[j] = near[j] x[low[j]] + far[j] x[high[j]]; weights: near, then far */
static inline void edgeeeg_interpolate(const float *x, const uint16_t *low, const uint16_t *high,
                                       const float *weights, float *y, size_t outer, size_t extent,
                                       size_t inner, size_t count) {
    for (size_t o = 0; o < outer; o++) {
        for (size_t j = 0; j < count; j++) {
            for (size_t i = 0; i < inner; i++) {
                const float near = weights[j] * x[(o * extent + low[j]) * inner + i];
                const float far = weights[count + j] * x[(o * extent + high[j]) * inner + i];
                *y++ = near + far;
            }
        }
    }
}

/* Whether a sorts in front of b: NaN comes last */
static inline int edgeeeg_sorts_before(float a, float b, int largest) {
    return (largest ? a > b : a < b) || (b != b && a == a);
}

/* The k first in order and where they were, by insertion: equal elements keep their order */
static inline void edgeeeg_top_k(const float *x, float *values, float *indices, size_t outer, size_t extent,
                                 size_t inner, size_t k, int largest) {
    for (size_t o = 0; o < outer; o++) {
        for (size_t i = 0; i < inner; i++) {
            float *value = values + o * k * inner + i;
            float *index = indices + o * k * inner + i;
            for (size_t j = 0; j < extent; j++) {
                const float candidate = x[(o * extent + j) * inner + i];
                size_t place = j < k ? j : k;
                while (place > 0 && edgeeeg_sorts_before(candidate, value[(place - 1) * inner], largest)) {
                    if (place < k) {
                        value[place * inner] = value[(place - 1) * inner];
                        index[place * inner] = index[(place - 1) * inner];
                    }
                    place--;
                }
                if (place < k) {
                    value[place * inner] = candidate;
                    index[place * inner] = (float)j;
                }
            }
        }
    }
}

#endif
