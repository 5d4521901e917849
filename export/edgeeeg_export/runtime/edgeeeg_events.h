/* Dense layers behind spikes, which read and add the weights of those neurons alone that fired. What the
 * dense form adds for the others is 0, so the sums are the same, floats too: one that began with anything but
 * -0 never comes to -0. */
#ifndef EDGEEEG_EVENTS_H
#define EDGEEEG_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "edgeeeg_core.h"
#include "edgeeeg_quantized.h"

EDGEEEG_INLINE uint32_t edgeeeg_spike_word(const void *x) {
    uint32_t word;
    __builtin_memcpy(&word, x, sizeof word);
    return word;
}

/* Whether a float that is 0 or 1 is 1: its bits say so in fewer instructions than a comparison. 1.0f has bit
 * 29, and 0.0f none. */
EDGEEEG_INLINE int edgeeeg_is_spike(const float *x) {
    return sizeof *x == sizeof(uint32_t) ? edgeeeg_spike_word(x) != 0 : *x > 0.0f;
}

EDGEEEG_INLINE size_t edgeeeg_spike(const float *x) {
    return sizeof *x == sizeof(uint32_t) ? edgeeeg_spike_word(x) >> 29 : *x > 0.0f;
}

/* How many of n elements, each 0 or 1, of int8 or float32, are 1 */
EDGEEEG_INLINE size_t edgeeeg_count_fired(const void *x, size_t width, size_t n) {
    const uint8_t *at = x;
    size_t fired = 0;
    if (width == 1) {
        for (const uint8_t *end = at + (n & ~(size_t)3); at != end; at += 4) {
            fired += (edgeeeg_spike_word(at) * 0x01010101u) >> 24; /* the sum of its bytes */
        }
        for (const uint8_t *end = (const uint8_t *)x + n; at != end; at++) {
            fired += *at;
        }
    } else {
        for (const float *value = x, *end = value + n; value != end; value++) {
            fired += edgeeeg_spike(value);
        }
    }
    return fired;
}

/* `step` times the places of those that are 1; how many there are */
EDGEEEG_INLINE size_t edgeeeg_find_fired(const void *x, size_t width, size_t n, size_t step,
                                         edgeeeg_int32 *places) {
    const uint8_t *at = x;
    edgeeeg_int32 *next = places;
    int32_t place = 0;
    if (width == 1) {
        for (const uint8_t *end = at + (n & ~(size_t)3); at != end; at += 4) {
            if (edgeeeg_spike_word(at)) {
                EDGEEEG_UNROLL
                for (int32_t j = 0; j < 4; j++) {
                    if (at[j]) {
                        *next++ = place + j * (int32_t)step;
                    }
                }
            }
            place += 4 * (int32_t)step;
        }
        for (const uint8_t *end = (const uint8_t *)x + n; at != end; at++) {
            if (*at) {
                *next++ = place;
            }
            place += (int32_t)step;
        }
    } else {
        for (const float *value = x, *end = value + n; value != end; value++) {
            if (edgeeeg_is_spike(value)) {
                *next++ = place;
            }
            place += (int32_t)step;
        }
    }
    return (size_t)(next - places);
}

/* y[o] = bias[o] + sum of weight[k][o] over the k that fired, whose rows begin at `rows`; bias may be 0 */
static inline void edgeeeg_add_rows(const edgeeeg_int32 *rows, size_t fired, const float *weight,
                                    const float *bias, float *y, size_t n) {
    const size_t tiled = n & ~(size_t)7;
    for (size_t o = 0; o < tiled; o += 8) {
        float sum[8];
        EDGEEEG_UNROLL
        for (size_t j = 0; j < 8; j++) {
            sum[j] = bias ? bias[o + j] : 0.0f;
        }
        for (const edgeeeg_int32 *at = rows; at != rows + fired; at++) {
            const float *row = weight + *at + o;
            EDGEEEG_UNROLL
            for (size_t j = 0; j < 8; j++) {
                sum[j] += row[j];
            }
        }
        EDGEEEG_UNROLL
        for (size_t j = 0; j < 8; j++) {
            y[o + j] = sum[j];
        }
    }
    for (size_t o = tiled; o < n; o++) {
        float sum = bias ? bias[o] : 0.0f;
        for (const edgeeeg_int32 *at = rows; at != rows + fired; at++) {
            sum += weight[*at + (int32_t)o];
        }
        y[o] = sum;
    }
}

/* Sums of the elements at weight + each of rows, eight of them, of at most 256 rows: int16 holds them */
#if defined(EDGEEEG_HELIUM)
#include <arm_mve.h>

EDGEEEG_INLINE void edgeeeg_add_eight(const edgeeeg_int32 *rows, size_t fired, const int8_t *weight,
                                      int32_t *sums) {
    int16x8_t few = vdupq_n_s16(0);
    for (const edgeeeg_int32 *at = rows; at != rows + fired; at++) {
        few = vaddq_s16(few, vldrbq_s16(weight + *at));
    }
    sums[0] = vgetq_lane_s16(few, 0);
    sums[1] = vgetq_lane_s16(few, 1);
    sums[2] = vgetq_lane_s16(few, 2);
    sums[3] = vgetq_lane_s16(few, 3);
    sums[4] = vgetq_lane_s16(few, 4);
    sums[5] = vgetq_lane_s16(few, 5);
    sums[6] = vgetq_lane_s16(few, 6);
    sums[7] = vgetq_lane_s16(few, 7);
}
#elif defined(EDGEEEG_DSP)
/* the bytes 0 and 2 of a word, or its bytes 1 and 3, widened and added to two int16 */
#define EDGEEEG_ADD_EVEN(sum, word) __asm__("sxtab16 %0, %0, %1" : "+r"(sum) : "r"(word))
#define EDGEEEG_ADD_ODD(sum, word)  __asm__("sxtab16 %0, %0, %1, ror #8" : "+r"(sum) : "r"(word))

EDGEEEG_INLINE void edgeeeg_add_eight(const edgeeeg_int32 *rows, size_t fired, const int8_t *weight,
                                      int32_t *sums) {
    uint32_t even_0 = 0;
    uint32_t odd_0 = 0;
    uint32_t even_4 = 0;
    uint32_t odd_4 = 0;
    for (const edgeeeg_int32 *at = rows; at != rows + fired; at++) {
        const int8_t *row = weight + *at;
        uint32_t word_0;
        uint32_t word_4;
        __builtin_memcpy(&word_0, row, sizeof word_0);
        __builtin_memcpy(&word_4, row + 4, sizeof word_4);
        EDGEEEG_ADD_EVEN(even_0, word_0);
        EDGEEEG_ADD_ODD(odd_0, word_0);
        EDGEEEG_ADD_EVEN(even_4, word_4);
        EDGEEEG_ADD_ODD(odd_4, word_4);
    }
    sums[0] = (int16_t)even_0;
    sums[1] = (int16_t)odd_0;
    sums[2] = (int32_t)even_0 >> 16;
    sums[3] = (int32_t)odd_0 >> 16;
    sums[4] = (int16_t)even_4;
    sums[5] = (int16_t)odd_4;
    sums[6] = (int32_t)even_4 >> 16;
    sums[7] = (int32_t)odd_4 >> 16;
}
#else
EDGEEEG_INLINE void edgeeeg_add_eight(const edgeeeg_int32 *rows, size_t fired, const int8_t *weight,
                                      int32_t *sums) {
    EDGEEEG_UNROLL
    for (size_t j = 0; j < 8; j++) {
        sums[j] = 0;
    }
    for (const edgeeeg_int32 *at = rows; at != rows + fired; at++) {
        EDGEEEG_UNROLL
        for (size_t j = 0; j < 8; j++) {
            sums[j] += weight[(size_t)*at + j];
        }
    }
}
#endif

/* The same of more than 256 rows */
static inline void edgeeeg_add_eight_of_many(const edgeeeg_int32 *rows, size_t fired, const int8_t *weight,
                                             int32_t *sums) {
    int32_t some[8];
    for (size_t j = 0; j < 8; j++) {
        sums[j] = 0;
    }
    for (size_t e = 0; e < fired; e += 256) {
        edgeeeg_add_eight(rows + e, fired - e < 256 ? fired - e : 256, weight, some);
        for (size_t j = 0; j < 8; j++) {
            sums[j] += some[j];
        }
    }
}

EDGEEEG_INLINE void edgeeeg_store_eight(void *y, size_t y_width, size_t o, const int32_t *sums,
                                        const int32_t *bias, const float *multiplier) {
    EDGEEEG_UNROLL
    for (size_t j = 0; j < 8; j++) {
        const int32_t sum = sums[j] + (bias ? bias[o + j] : 0);
        edgeeeg_store(y, o + j, (float)sum * multiplier[o + j], y_width);
    }
}

/* y[o] = multiplier[o] (bias[o] + sum of weight[k][o]) in integers */
EDGEEEG_INLINE void edgeeeg_add_rows_quantized(const edgeeeg_int32 *rows, size_t fired, const int8_t *weight,
                                               const int32_t *bias, const float *multiplier, void *y,
                                               size_t y_width, size_t n) {
    const size_t tiled = n & ~(size_t)7;
    for (size_t o = 0; o < tiled; o += 8) {
        if (fired <= 256) {
            int32_t sums[8];
            edgeeeg_add_eight(rows, fired, weight + o, sums);
            edgeeeg_store_eight(y, y_width, o, sums, bias, multiplier);
        } else {
            int32_t sums[8];
            edgeeeg_add_eight_of_many(rows, fired, weight + o, sums);
            edgeeeg_store_eight(y, y_width, o, sums, bias, multiplier);
        }
    }
    for (size_t o = tiled; o < n; o++) {
        int32_t sum = bias ? bias[o] : 0;
        for (const edgeeeg_int32 *at = rows; at != rows + fired; at++) {
            sum += weight[(size_t)*at + o];
        }
        edgeeeg_store(y, o, (float)sum * multiplier[o], y_width);
    }
}

static inline void edgeeeg_add_rows_int8(const edgeeeg_int32 *rows, size_t fired, const int8_t *weight,
                                         const int32_t *bias, const float *multiplier, int8_t *y, size_t n) {
    edgeeeg_add_rows_quantized(rows, fired, weight, bias, multiplier, y, 1, n);
}

static inline void edgeeeg_add_rows_int16(const edgeeeg_int32 *rows, size_t fired, const int8_t *weight,
                                          const int32_t *bias, const float *multiplier, edgeeeg_int16 *y,
                                          size_t n) {
    edgeeeg_add_rows_quantized(rows, fired, weight, bias, multiplier, y, 2, n);
}

#endif
