/* Floats side by side, as many as a vector register of the target holds: in gcc's and clang's own vectors,
 * which need no intrinsics, and one where there is none (Cortex-M; Helium's and Armv7's vectors flush
 * subnormal numbers). Every lane is an output of its own, so its sum keeps its order and its bits. */
#ifndef EDGEEEG_LANES_H
#define EDGEEEG_LANES_H

#include <stddef.h>

#include "edgeeeg_core.h"

#if defined(EDGEEEG_LANES) /* chosen by who compiles, such as 1 to see on a host what a Cortex-M runs */
#elif defined(__GNUC__) && defined(__AVX512F__)
#define EDGEEEG_LANES 16
#elif defined(__GNUC__) && defined(__AVX__)
#define EDGEEEG_LANES 8
#elif defined(__GNUC__) && (defined(__SSE2__) || defined(__aarch64__))
#define EDGEEEG_LANES 4
#else
#define EDGEEEG_LANES 1
#endif

/* Whether elementary functions compute both sides of a choice, so that compilers make vectors of loops of
 * them; a branch costs less where registers are short or loops stay scalar. */
#define EDGEEEG_SELECTS (EDGEEEG_LANES > 4)

#if EDGEEEG_LANES > 1
typedef float edgeeeg_lanes __attribute__((vector_size(4 * EDGEEEG_LANES)));
/* the same anywhere in memory */
typedef float edgeeeg_lanes_at __attribute__((vector_size(4 * EDGEEEG_LANES), aligned(4), may_alias));
#else
typedef float edgeeeg_lanes;
typedef float edgeeeg_lanes_at;
#endif

static inline edgeeeg_lanes edgeeeg_lanes_load(const float *from) {
    return *(const edgeeeg_lanes_at *)from;
}

static inline void edgeeeg_lanes_store(float *to, edgeeeg_lanes values) {
    *(edgeeeg_lanes_at *)to = values;
}

/* The same value in all lanes; taking 0 away keeps a -0 */
static inline edgeeeg_lanes edgeeeg_lanes_all(float value) {
#if EDGEEEG_LANES > 1
    return value - (edgeeeg_lanes){0.0f};
#else
    return value;
#endif
}

/* The first `count` lanes from memory, the others 0 */
static inline edgeeeg_lanes edgeeeg_lanes_load_first(const float *from, size_t count) {
    float lanes[EDGEEEG_LANES] = {0.0f};
    for (size_t j = 0; j < count; j++) {
        lanes[j] = from[j];
    }
    return edgeeeg_lanes_load(lanes);
}

/* The first `count` lanes to memory */
static inline void edgeeeg_lanes_store_first(float *to, edgeeeg_lanes values, size_t count) {
    float lanes[EDGEEEG_LANES];
    edgeeeg_lanes_store(lanes, values);
    for (size_t j = 0; j < count; j++) {
        to[j] = lanes[j];
    }
}

#endif
