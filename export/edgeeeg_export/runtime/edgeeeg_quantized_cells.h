/* Recurrences in integers: a step of one neuron or channel each, the generated loops around them are plain.
 * States are int16 with decays in 2^-15, or int32 with decays in 2^-30; they stay at the ends of their type. A
 * right shift of a negative integer keeps its sign, as in every compiler for these machines. Compile with
 * -ffp-contract=off. */
#ifndef EDGEEEG_QUANTIZED_CELLS_H
#define EDGEEEG_QUANTIZED_CELLS_H

#include <stdint.h>

#include "edgeeeg_integers.h"
#include "edgeeeg_quantized.h"
#include "edgeeeg_spiking.h"

/* what a frame adds to a state: the whole number next to it, ties to even */
static inline int32_t edgeeeg_drive_int16(float value) {
    return edgeeeg_saturate(value, -32768.0f, 32767.0f);
}

static inline int32_t edgeeeg_drive_int32(float value) {
    return edgeeeg_saturate(value, -4194303.0f, 4194303.0f);
}

static inline int32_t edgeeeg_limit_int16(int32_t value) {
    return value < -32768 ? -32768 : value > 32767 ? 32767 : value;
}

static inline int32_t edgeeeg_limit_int32(int64_t value) {
    return value < INT32_MIN ? INT32_MIN : value > INT32_MAX ? INT32_MAX : (int32_t)value;
}

/* a state times a decay, to the nearest integer: at most 2^30 + 2^14, and 2^61 + 2^29 */
static inline int32_t edgeeeg_faded_int16(int32_t value, int32_t decay) {
    return (value * decay + (1 << 14)) >> 15;
}

static inline int32_t edgeeeg_faded_int32(int32_t value, int32_t decay) {
    return (int32_t)(((int64_t)value * decay + (1 << 29)) >> 30);
}

static inline int edgeeeg_fired(int32_t mem, int32_t threshold, unsigned firing) {
    return (firing & EDGEEEG_FIRES_AT) ? mem >= threshold : mem > threshold;
}

/* one frame of a neuron: its spike; three terms of a state's width each fit the wider type */
static inline int edgeeeg_lif_int16(int32_t drive, int32_t decay, int32_t threshold, edgeeeg_int16 *mem,
                                    unsigned firing) {
    const int reset = edgeeeg_fired(*mem, threshold, firing);
    const int cleared = reset && (firing & EDGEEEG_RESET_ZERO);
    const int32_t lost = reset && (firing & EDGEEEG_RESET_SUBTRACT) ? threshold : 0;
    const int32_t start = cleared ? 0 : *mem;
    const int32_t charged = edgeeeg_limit_int16(edgeeeg_faded_int16(start, decay) + drive - lost);
    const int spike = edgeeeg_fired(charged, threshold, firing);
    int32_t kept = charged;
    if (firing & EDGEEEG_RESET_AT_ONCE) {
        kept -= (spike - reset) * ((firing & EDGEEEG_RESET_SUBTRACT) ? threshold : charged);
    }
    *mem = (int16_t)edgeeeg_limit_int16(kept);
    return spike;
}

static inline int edgeeeg_lif_int32(int32_t drive, int32_t decay, int32_t threshold, edgeeeg_int32 *mem,
                                    unsigned firing) {
    const int reset = edgeeeg_fired(*mem, threshold, firing);
    const int cleared = reset && (firing & EDGEEEG_RESET_ZERO);
    const int32_t lost = reset && (firing & EDGEEEG_RESET_SUBTRACT) ? threshold : 0;
    const int32_t start = cleared ? 0 : *mem;
    const int32_t charged = edgeeeg_limit_int32((int64_t)edgeeeg_faded_int32(start, decay) + drive - lost);
    const int spike = edgeeeg_fired(charged, threshold, firing);
    int64_t kept = charged;
    if (firing & EDGEEEG_RESET_AT_ONCE) {
        kept -= (int64_t)(spike - reset) * ((firing & EDGEEEG_RESET_SUBTRACT) ? threshold : charged);
    }
    *mem = edgeeeg_limit_int32(kept);
    return spike;
}

#endif
