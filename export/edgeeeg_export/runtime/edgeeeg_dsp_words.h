/* Two int16 in a word, as the DSP extension of Cortex-M4, M7 and M33 multiplies them (SMLAD). Halves of a
 * word are written low half first. LDR and STR take any address on these cores; LDRD and LDM need words. */
#ifndef EDGEEEG_DSP_WORDS_H
#define EDGEEEG_DSP_WORDS_H

#include <arm_acle.h>
#include <stddef.h>
#include <stdint.h>

#include "edgeeeg_quantized.h"

typedef struct __attribute__((packed, may_alias)) {
    uint32_t word;
} edgeeeg_anywhere;

EDGEEEG_INLINE uint32_t edgeeeg_word(const void *at) {
    return ((const edgeeeg_anywhere *)at)->word;
}

EDGEEEG_INLINE void edgeeeg_put_word(void *at, uint32_t word) {
    ((edgeeeg_anywhere *)at)->word = word;
}

/* bytes 0 and 2; GCC 12 has no intrinsic for the rotation that reaches bytes 1 and 3 */
EDGEEEG_INLINE uint32_t edgeeeg_even_bytes(uint32_t bytes) {
    return (uint32_t)__sxtb16((int8x4_t)bytes);
}

EDGEEEG_INLINE uint32_t edgeeeg_odd_bytes(uint32_t bytes) {
    uint32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(bytes));
    return pair;
}

/* the low halves of two words, and the high ones */
EDGEEEG_INLINE uint32_t edgeeeg_low_halves(uint32_t low, uint32_t high) {
    uint32_t pair;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(low), "r"(high));
    return pair;
}

EDGEEEG_INLINE uint32_t edgeeeg_high_halves(uint32_t low, uint32_t high) {
    uint32_t pair;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(pair) : "r"(high), "r"(low));
    return pair;
}

/* sum + the products of both halves */
EDGEEEG_INLINE int32_t edgeeeg_multiply_pairs(uint32_t a, uint32_t b, int32_t sum) {
    return __smlad((int16x2_t)a, (int16x2_t)b, sum);
}

/* elements in their order, widened to int16 */
EDGEEEG_INLINE void edgeeeg_widen(const void *x, size_t x_width, int16_t *wide, size_t count) {
    if (x_width == 1) {
        const int8_t *from = x;
        const int8_t *end = from + (count & ~(size_t)3);
        for (; from != end; from += 4, wide += 4) {
            const uint32_t even = edgeeeg_even_bytes(edgeeeg_word(from));
            const uint32_t odd = edgeeeg_odd_bytes(edgeeeg_word(from));
            edgeeeg_put_word(wide, edgeeeg_low_halves(even, odd));
            edgeeeg_put_word(wide + 2, edgeeeg_high_halves(even, odd));
        }
        for (size_t i = 0; i < (count & 3); i++) {
            wide[i] = from[i];
        }
    } else {
        const edgeeeg_int16 *from = x;
        const edgeeeg_int16 *end = from + (count & ~(size_t)1);
        for (; from != end; from += 2, wide += 2) {
            edgeeeg_put_word(wide, edgeeeg_word(from));
        }
        if (count & 1) {
            wide[0] = from[0];
        }
    }
}

/* Sums of four neighbours */
typedef struct {
    int32_t s0;
    int32_t s1;
    int32_t s2;
    int32_t s3;
} edgeeeg_four;

/* y = multiplier sums; fewer than four at the end of a row */
EDGEEEG_INLINE void edgeeeg_store_four(void *y, edgeeeg_four sums, float multiplier, size_t left,
                                       size_t width) {
    edgeeeg_int16 ends[4];
    void *to = left < 4 ? (void *)ends : y;
    edgeeeg_store(to, 0, (float)sums.s0 * multiplier, width);
    edgeeeg_store(to, 1, (float)sums.s1 * multiplier, width);
    edgeeeg_store(to, 2, (float)sums.s2 * multiplier, width);
    edgeeeg_store(to, 3, (float)sums.s3 * multiplier, width);
    if (left < 4) {
        for (size_t i = 0; i < left * width; i++) {
            ((uint8_t *)y)[i] = ((const uint8_t *)ends)[i];
        }
    }
}

/* y[o] = multiplier[o] (bias[o] + sums[o]) of up to four outputs; bias may be 0 */
EDGEEEG_INLINE void edgeeeg_store_rows(void *y, edgeeeg_four sums, const int32_t *bias,
                                       const float *multiplier, size_t made, size_t width) {
    if (made == 4) {
        if (bias) {
            sums.s0 += bias[0];
            sums.s1 += bias[1];
            sums.s2 += bias[2];
            sums.s3 += bias[3];
        }
        edgeeeg_store(y, 0, (float)sums.s0 * multiplier[0], width);
        edgeeeg_store(y, 1, (float)sums.s1 * multiplier[1], width);
        edgeeeg_store(y, 2, (float)sums.s2 * multiplier[2], width);
        edgeeeg_store(y, 3, (float)sums.s3 * multiplier[3], width);
        return;
    }
    const int32_t each[3] = {sums.s0, sums.s1, sums.s2};
    for (size_t o = 0; o < made; o++) {
        edgeeeg_store(y, o, (float)(each[o] + (bias ? bias[o] : 0)) * multiplier[o], width);
    }
}

#endif
