/* Recurrences in integers: a step of one neuron or channel each, the generated loops around them are plain.
 * States are int16 with decays in 2^-15, or int32 with decays in 2^-30; they stay at the ends of their type.
 * A right shift of a negative integer keeps its sign, as in every compiler for these machines. Compile with
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

/* a state within its width; `moved` counts those that were not */
static inline int32_t edgeeeg_limit_int16(int32_t value, uint32_t *moved) {
    const int32_t kept = value < -32768 ? -32768 : value > 32767 ? 32767 : value;
    *moved += kept != value;
    return kept;
}

static inline int32_t edgeeeg_limit_int32(int64_t value, uint32_t *moved) {
    const int32_t kept = value < INT32_MIN ? INT32_MIN : value > INT32_MAX ? INT32_MAX : (int32_t)value;
    *moved += kept != value;
    return kept;
}

/* adds to a counter, which stops at its end */
static inline void edgeeeg_count(edgeeeg_int32 *counter, uint32_t more) {
    const uint32_t room = (uint32_t)INT32_MAX - (uint32_t)*counter;
    *counter += (int32_t)(more < room ? more : room);
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
                                    unsigned firing, uint32_t *moved) {
    const int reset = edgeeeg_fired(*mem, threshold, firing);
    const int cleared = reset && (firing & EDGEEEG_RESET_ZERO);
    const int32_t lost = reset && (firing & EDGEEEG_RESET_SUBTRACT) ? threshold : 0;
    const int32_t start = cleared ? 0 : *mem;
    const int32_t charged = edgeeeg_limit_int16(edgeeeg_faded_int16(start, decay) + drive - lost, moved);
    const int spike = edgeeeg_fired(charged, threshold, firing);
    int32_t kept = charged;
    if (firing & EDGEEEG_RESET_AT_ONCE) {
        kept -= (spike - reset) * ((firing & EDGEEEG_RESET_SUBTRACT) ? threshold : charged);
    }
    *mem = (int16_t)edgeeeg_limit_int16(kept, moved);
    return spike;
}

static inline int edgeeeg_lif_int32(int32_t drive, int32_t decay, int32_t threshold, edgeeeg_int32 *mem,
                                    unsigned firing, uint32_t *moved) {
    const int reset = edgeeeg_fired(*mem, threshold, firing);
    const int cleared = reset && (firing & EDGEEEG_RESET_ZERO);
    const int32_t lost = reset && (firing & EDGEEEG_RESET_SUBTRACT) ? threshold : 0;
    const int32_t start = cleared ? 0 : *mem;
    const int32_t charged =
        edgeeeg_limit_int32((int64_t)edgeeeg_faded_int32(start, decay) + drive - lost, moved);
    const int spike = edgeeeg_fired(charged, threshold, firing);
    int64_t kept = charged;
    if (firing & EDGEEEG_RESET_AT_ONCE) {
        kept -= (int64_t)(spike - reset) * ((firing & EDGEEEG_RESET_SUBTRACT) ? threshold : charged);
    }
    *mem = edgeeeg_limit_int32(kept, moved);
    return spike;
}

/* 2^-e, of an exponent of at least 0 in 2^-24: between entries of the table of what is lost lies a line */
static inline int32_t edgeeeg_power_int16(int64_t exponent, const edgeeeg_int16 *lost) {
    const uint32_t e = exponent < 0x1fffffff ? (uint32_t)exponent : 0x1fffffffu;
    const int32_t at = (int32_t)(e >> 16 & 255u);
    const int32_t line = ((lost[at + 1] - lost[at]) * (int32_t)(e & 0xffffu) + 0x8000) >> 16;
    const uint32_t kept = (uint32_t)(32768 - lost[at] - line);
    return (int32_t)((kept + ((1u << (e >> 24)) >> 1)) >> (e >> 24));
}

static inline int32_t edgeeeg_power_int32(int64_t exponent, const edgeeeg_int32 *lost) {
    const uint32_t e = exponent < 0x1fffffff ? (uint32_t)exponent : 0x1fffffffu;
    const int32_t at = (int32_t)(e >> 16 & 255u);
    const int64_t rise = (int64_t)(lost[at + 1] - lost[at]) * (int32_t)(e & 0xffffu);
    const uint32_t kept = (uint32_t)(1073741824 - lost[at] - (int32_t)((rise + 0x8000) >> 16));
    return (int32_t)((kept + ((1u << (e >> 24)) >> 1)) >> (e >> 24));
}

/* h = h decay + drive */
static inline int32_t edgeeeg_scan_int16(edgeeeg_int16 *h, int32_t decay, int32_t drive, uint32_t *moved) {
    *h = (int16_t)edgeeeg_limit_int16(edgeeeg_faded_int16(*h, decay) + drive, moved);
    return *h;
}

static inline int32_t edgeeeg_scan_int32(edgeeeg_int32 *h, int32_t decay, int32_t drive, uint32_t *moved) {
    *h = edgeeeg_limit_int32((int64_t)edgeeeg_faded_int32(*h, decay) + drive, moved);
    return *h;
}

/* bits that an exponent lacks to 2^-24, and what turns weighted values and weights into steps of their sums
 */
typedef struct {
    int finer;
    float value;
    float unit;
} edgeeeg_wkv4_scales;

/* one frame of a channel: the mean of the values, in steps of num over steps of den; first with the bonus u,
 * then as the past that the next frame sees */
static inline float edgeeeg_wkv4_int16(int32_t k, int32_t v, int32_t w, int32_t u, edgeeeg_int16 *num,
                                       edgeeeg_int16 *den, edgeeeg_int32 *max, int started,
                                       const edgeeeg_int16 *lost, const edgeeeg_wkv4_scales *scales,
                                       uint32_t *moved) {
    const int32_t now[2] = {*max - (u + k), (*max - w) - k};
    int32_t sums[2][2];
    int leads = 0;
    for (size_t i = 0; i < 2; i++) {
        const int64_t apart = now[i] < 0 ? -(int64_t)now[i] : now[i];
        const int32_t lesser = edgeeeg_power_int16(apart << scales->finer, lost);
        leads = started && now[i] > 0;
        const int32_t past = leads ? 32768 : lesser;
        const int32_t present = leads ? lesser : 32768;
        sums[i][0] = (int32_t)edgeeeg_faded_int16(*num, past) +
                     edgeeeg_drive_int16((float)((int32_t)present * v) * scales->value);
        sums[i][1] =
            (int32_t)edgeeeg_faded_int16(*den, past) + edgeeeg_drive_int16((float)present * scales->unit);
    }
    *num = (int16_t)edgeeeg_limit_int16(sums[1][0], moved);
    *den = (int16_t)edgeeeg_limit_int16(sums[1][1], moved);
    *max = leads ? *max - w : k;
    return (float)sums[0][0] / (float)sums[0][1];
}

static inline float edgeeeg_wkv4_int32(int32_t k, int32_t v, int32_t w, int32_t u, edgeeeg_int32 *num,
                                       edgeeeg_int32 *den, edgeeeg_int32 *max, int started,
                                       const edgeeeg_int32 *lost, const edgeeeg_wkv4_scales *scales,
                                       uint32_t *moved) {
    const int32_t now[2] = {*max - (u + k), (*max - w) - k};
    int64_t sums[2][2];
    int leads = 0;
    for (size_t i = 0; i < 2; i++) {
        const int64_t apart = now[i] < 0 ? -(int64_t)now[i] : now[i];
        const int32_t lesser = edgeeeg_power_int32(apart << scales->finer, lost);
        leads = started && now[i] > 0;
        const int32_t past = leads ? 1073741824 : lesser;
        const int32_t present = leads ? lesser : 1073741824;
        sums[i][0] = (int64_t)edgeeeg_faded_int32(*num, past) +
                     edgeeeg_drive_int32((float)((int64_t)present * v) * scales->value);
        sums[i][1] =
            (int64_t)edgeeeg_faded_int32(*den, past) + edgeeeg_drive_int32((float)present * scales->unit);
    }
    *num = (int32_t)edgeeeg_limit_int32(sums[1][0], moved);
    *den = (int32_t)edgeeeg_limit_int32(sums[1][1], moved);
    *max = leads ? *max - w : k;
    return (float)sums[0][0] / (float)sums[0][1];
}

#endif
