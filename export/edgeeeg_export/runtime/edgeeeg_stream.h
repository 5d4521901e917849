/* What a stream has besides its layers: caches of past frames, delays, and what tells the recording from what
 * lies around it. */
#ifndef EDGEEEG_STREAM_H
#define EDGEEEG_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "edgeeeg_integers.h"

/* y = steps so far and, once the recording has ended, one more than the steps since; both stop at 2^20 */
static inline void edgeeeg_clock(const float *x, float *y, float *steps, float *ended) {
    const float limit = 1048576.0f;
    (void)x;
    y[0] = *steps;
    y[1] = *ended;
    *steps = *steps < limit ? *steps + 1.0f : limit;
    if (*ended > 0.0f) {
        *ended = *ended < limit ? *ended + 1.0f : limit;
    }
}

#if defined(__GNUC__)
typedef uint32_t __attribute__((may_alias, aligned(1))) edgeeeg_any_word; /* wherever it lies */
#endif

/* Bytes to a lower address of the same array, word by word: what a word overwrites has been read with it */
static inline void edgeeeg_move_down(void *to, const void *from, size_t n_bytes) {
    size_t i = 0;
#if defined(__GNUC__)
    for (; i + 4 <= n_bytes; i += 4) {
        *(edgeeeg_any_word *)((uint8_t *)to + i) = *(const edgeeeg_any_word *)((const uint8_t *)from + i);
    }
#endif
    for (; i < n_bytes; i++) {
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    }
}

/* the same for every type of element */
#define EDGEEEG_STREAM(TYPE, SUFFIX)                                                                        \
    /* window[row] holds `length` old frames, then the new ones: drop the oldest, append x */               \
    static inline void edgeeeg_cache##SUFFIX(const TYPE *x, TYPE *window, size_t rows, size_t length,       \
                                             size_t frames) {                                               \
        for (size_t r = 0; r < rows; r++) {                                                                 \
            TYPE *row = window + r * (length + frames);                                                     \
            edgeeeg_move_down(row, row + frames, length * sizeof *row);                                     \
            for (size_t i = 0; i < frames; i++) {                                                           \
                row[length + i] = x[r * frames + i];                                                        \
            }                                                                                               \
        }                                                                                                   \
    }                                                                                                       \
                                                                                                            \
    /* The same where the window slides through `spare` elements behind it, from ring + *start on: what a   \
     * row has dropped is the place of what the row before gets; at the end all of it moves back */         \
    static inline void edgeeeg_slide_cache##SUFFIX(const TYPE *x, TYPE *ring, uint32_t *start, size_t rows, \
                                                   size_t length, size_t frames, size_t spare) {            \
        size_t at = *start + frames;                                                                        \
        if (at > spare) {                                                                                   \
            edgeeeg_move_down(ring, ring + at, (rows * (length + frames) - frames) * sizeof *ring);         \
            at = 0;                                                                                         \
        }                                                                                                   \
        *start = (uint32_t)at;                                                                              \
        for (size_t r = 0; r < rows; r++) {                                                                 \
            TYPE *newest = ring + at + r * (length + frames) + length;                                      \
            for (size_t i = 0; i < frames; i++) {                                                           \
                newest[i] = x[r * frames + i];                                                              \
            }                                                                                               \
        }                                                                                                   \
    }                                                                                                       \
                                                                                                            \
    /* y = the oldest new_size values of a row's kept_size waiting ones and x's; the others wait */         \
    static inline void edgeeeg_delay##SUFFIX(const TYPE *x, TYPE *y, TYPE *waiting, size_t rows,            \
                                             size_t kept_size, size_t new_size) {                           \
        for (size_t r = 0; r < rows; r++) {                                                                 \
            for (size_t i = 0; i < new_size; i++) {                                                         \
                y[i] = i < kept_size ? waiting[i] : x[i - kept_size];                                       \
            }                                                                                               \
            for (size_t i = 0; i < kept_size; i++) {                                                        \
                const size_t from = i + new_size;                                                           \
                waiting[i] = from < kept_size ? waiting[from] : x[from - kept_size];                        \
            }                                                                                               \
            x += new_size;                                                                                  \
            y += new_size;                                                                                  \
            waiting += kept_size;                                                                           \
        }                                                                                                   \
    }                                                                                                       \
                                                                                                            \
    /* y = x within the recording, padding elsewhere: frame j of a step has number clock[0] frames + j      \
     * - delay, and K steps have K frames + surplus of them */                                              \
    static inline void edgeeeg_gate##SUFFIX(const TYPE *x, const float *clock, TYPE *y, size_t outer,       \
                                            size_t frames, size_t inner, float delay, float surplus,        \
                                            TYPE padding) {                                                 \
        const float first = delay - clock[0] * (float)frames;                                               \
        const float end = delay + surplus - (clock[1] - 1.0f) * (float)frames;                              \
        for (size_t r = 0; r < outer; r++) {                                                                \
            for (size_t j = 0; j < frames; j++) {                                                           \
                const float frame = (float)j;                                                               \
                const int within = frame >= first && (clock[1] <= 0.0f || frame < end);                     \
                for (size_t i = 0; i < inner; i++) {                                                        \
                    const size_t at = (r * frames + j) * inner + i;                                         \
                    y[at] = within ? x[at] : padding;                                                       \
                }                                                                                           \
            }                                                                                               \
        }                                                                                                   \
    }

EDGEEEG_STREAM(float, )
EDGEEEG_STREAM(int8_t, _int8)
EDGEEEG_STREAM(edgeeeg_int16, _int16)
EDGEEEG_STREAM(edgeeeg_int32, _int32)

#endif
