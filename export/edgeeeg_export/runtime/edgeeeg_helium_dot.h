/* Four dot products at a time (VMLADAVA) with sixteen products of int8 or eight of int16 an instruction, and
 * what makes integers of their sums. Lanes behind the end of an array are predicated: nothing there is read.
 *
 * Requantization alone is in vectors of floats, in assembly: -mcpu=...+nomve.fp keeps the compiler from
 * making others, which would flush the subnormal numbers of float layers. Here what is flushed is rounded to
 * 0 anyway, so the bits are those of the scalar unit. A core with Helium for integers alone stops at such an
 * instruction.
 *
 * In assembly, what a loop moves on is "+&": without the `&` gcc may keep an input of the same value in the
 * same register. */
#ifndef EDGEEEG_HELIUM_DOT_H
#define EDGEEEG_HELIUM_DOT_H

#include <arm_mve.h>
#include <stddef.h>
#include <stdint.h>

#include "edgeeeg_core.h"

/* sums += `one` . each of `four`, k products each. A loop whose last round is predicated (WLSTP, LETP), which
 * gcc does not make: the tail costs no instruction. */
#define EDGEEEG_DOT4(lanes, load_one, of_one, load_four, of_four)                              \
    __asm("wlstp." lanes " lr, %[k], 2f\n"                                                     \
          "1:\n"                                                                               \
          "\t" load_one " q0, [%[one]], %[one_bytes]\n"                                        \
          "\t" load_four " q1, [%[w]], %[four_bytes]\n"                                        \
          "\tvmladava.s" lanes " %[a], q0, q1\n"                                               \
          "\t" load_four " q2, [%[x]], %[four_bytes]\n"                                        \
          "\tvmladava.s" lanes " %[b], q0, q2\n"                                               \
          "\t" load_four " q3, [%[y]], %[four_bytes]\n"                                        \
          "\tvmladava.s" lanes " %[c], q0, q3\n"                                               \
          "\t" load_four " q1, [%[z]], %[four_bytes]\n"                                        \
          "\tvmladava.s" lanes " %[d], q0, q1\n"                                               \
          "\tletp lr, 1b\n"                                                                    \
          "2:"                                                                                 \
          : [a] "+Te"(sums[0]), [b] "+Te"(sums[1]), [c] "+Te"(sums[2]), [d] "+Te"(sums[3]),    \
            [one] "+" of_one(one), [w] "+" of_four(w), [x] "+" of_four(x), [y] "+" of_four(y), \
            [z] "+" of_four(z)                                                                 \
          : [k] "r"(k), [one_bytes] "i"(one_width == 1 && four_width == 2 ? 8 : 16),           \
            [four_bytes] "i"(four_width == 1 && one_width == 2 ? 8 : 16)                       \
          : "lr", "q0", "q1", "q2", "q3", "memory")

/* `one` and the four rows of `four`, `pitch` elements apart, have elements of 1 or 2 bytes */
EDGEEEG_INLINE void edgeeeg_dot4(const void *one, size_t one_width, const void *four, size_t four_width,
                                 size_t pitch, size_t k, int32_t sums[4]) {
    const uint8_t *w = four;
    const uint8_t *x = w + pitch * four_width;
    const uint8_t *y = x + pitch * four_width;
    const uint8_t *z = y + pitch * four_width;
    if (one_width == 1 && four_width == 1) {
        EDGEEEG_DOT4("8", "vldrb.u8", "r", "vldrb.u8", "r");
    } else if (one_width == 1) {
        EDGEEEG_DOT4("16", "vldrb.s16", "l", "vldrh.u16", "r");
    } else {
        EDGEEEG_DOT4("16", "vldrh.u16", "r", "vldrb.s16", "l");
    }
}

/* a vector of four numbers in registers: gcc would write and read memory */
EDGEEEG_INLINE int32x4_t edgeeeg_vector_of(const int32_t sums[4]) {
    int32x4_t vector;
    __asm("vmov %q0[2], %q0[0], %1, %3\n"
          "\tvmov %q0[3], %q0[1], %2, %4"
          : "=&w"(vector)
          : "r"(sums[0]), "r"(sums[1]), "r"(sums[2]), "r"(sums[3]));
    return vector;
}

/* the bits of a float, in all lanes */
EDGEEEG_INLINE int32x4_t edgeeeg_copies(float value) {
    int32x4_t vector;
    __asm("vdup.32 %q0, %1" : "=w"(vector) : "r"(value));
    return vector;
}

/* Whole numbers next to multiplier sums, ties to even, and the least or greatest integer for those beyond it;
 * multipliers are given by their bits */
EDGEEEG_INLINE int32x4_t edgeeeg_times(int32x4_t sums, int32x4_t multipliers) {
    int32x4_t y;
    __asm(".arch_extension mve.fp\n"
          "\tvcvt.f32.s32 %q0, %q1\n"
          "\tvmul.f32 %q0, %q0, %q2\n"
          "\tvcvtn.s32.f32 %q0, %q0"
          : "=&w"(y)
          : "w"(sums), "w"(multipliers));
    return y;
}

/* y[at ..] = whole numbers in the range of y's width, as edgeeeg_store does it */
EDGEEEG_INLINE void edgeeeg_store4(void *y, size_t at, size_t y_width, int32x4_t whole, mve_pred16_t lanes) {
    if (y_width == 1) {
        const int16x8_t half = vqmovnbq_s32(vreinterpretq_s16_s32(whole), whole);
        const int8x16_t quarter = vqmovnbq_s16(vreinterpretq_s8_s16(half), half);
        vstrbq_p_s32((int8_t *)y + at, vreinterpretq_s32_s8(quarter), lanes);
    } else {
        const int32x4_t below = vminq_s32(whole, vdupq_n_s32(32639));
        const int16x8_t half = vqmovnbq_s32(vreinterpretq_s16_s32(below), below);
        vstrhq_p_s32((int16_t *)y + at, vreinterpretq_s32_s16(half), lanes);
    }
}

/* sums[r] += sum_i x[i] weight[r][i], four rows */
EDGEEEG_INLINE void edgeeeg_dot4_family(const void *x, size_t x_width, const int8_t *weight, size_t pitch,
                                        size_t k, int32_t sums[4]) {
    edgeeeg_dot4(x, x_width, weight, 1, pitch, k, sums);
}

#endif
