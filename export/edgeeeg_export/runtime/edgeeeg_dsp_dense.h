/* Sums over rows of int8 weights with SMLAD, four rows at a time: of dense layers and of recurrent ones. Both
 * operands are widened to pairs of elements 0 and 2, and 1 and 3, so nothing has to be put in order. */
#ifndef EDGEEEG_DSP_DENSE_H
#define EDGEEEG_DSP_DENSE_H

#include "edgeeeg_dsp_words.h"

/* four weights of the row at a pointer, which moves on */
#define EDGEEEG_ROW_OF_FOUR(row, sum)                   \
    "ldr %[odd], [%[" row "]], #4\n\t"                  \
    "sxtb16 %[even], %[odd]\n\t"                        \
    "sxtb16 %[odd], %[odd], ror #8\n\t"                 \
    "smlad %[" sum "], %[even], %[x02], %[" sum "]\n\t" \
    "smlad %[" sum "], %[odd], %[x13], %[" sum "]\n\t"
#define EDGEEEG_FOUR_ROWS           \
    EDGEEEG_ROW_OF_FOUR("w0", "s0") \
    EDGEEEG_ROW_OF_FOUR("w1", "s1") EDGEEEG_ROW_OF_FOUR("w2", "s2") EDGEEEG_ROW_OF_FOUR("w3", "s3")

/* four elements of x, which moves on */
#define EDGEEEG_FOUR_OF_INT8     \
    "ldr %[x13], [%[x]], #4\n\t" \
    "sxtb16 %[x02], %[x13]\n\t"  \
    "sxtb16 %[x13], %[x13], ror #8\n\t" EDGEEEG_FOUR_ROWS
#define EDGEEEG_FOUR_OF_INT16                    \
    "ldr %[even], [%[x]], #4\n\t"                \
    "ldr %[odd], [%[x]], #4\n\t"                 \
    "pkhbt %[x02], %[even], %[odd], lsl #16\n\t" \
    "pkhtb %[x13], %[odd], %[even], asr #16\n\t" EDGEEEG_FOUR_ROWS

/* eight elements a turn, the first turn four if their number is an odd one of fours */
#define EDGEEEG_ROWS_BY(four)                                                                      \
    __asm__ volatile("ldr %[even], %[end]\n\t"                                                     \
                     "subs %[even], %[even], %[w0]\n\t"                                            \
                     "tst %[even], #4\n\t"                                                         \
                     "bne 2f\n\t"                                                                  \
                     "1:\n\t" four "2:\n\t" four "ldr %[even], %[end]\n\t"                         \
                     "cmp %[w0], %[even]\n\t"                                                      \
                     "bne 1b"                                                                      \
                     : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3), [w0] "+r"(w0),  \
                       [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3), [x] "+r"(x), [x02] "=&r"(x02), \
                       [x13] "=&r"(x13), [even] "=&r"(even), [odd] "=&r"(odd)                      \
                     : [end] "m"(end)                                                              \
                     : "memory", "cc")

/* Sums over the rows of `weight` (4, k) */
EDGEEEG_INLINE edgeeeg_four edgeeeg_four_rows(const void *x, size_t x_width, const int8_t *weight, size_t k) {
    int32_t s0 = 0;
    int32_t s1 = 0;
    int32_t s2 = 0;
    int32_t s3 = 0;
    const int8_t *w0 = weight;
    const int8_t *w1 = weight + k;
    const int8_t *w2 = weight + 2 * k;
    const int8_t *w3 = weight + 3 * k;
    const int8_t *end = w0 + (k & ~(size_t)3);
    uint32_t x02, x13, even, odd;
    if (k >= 4 && x_width == 1) {
        EDGEEEG_ROWS_BY(EDGEEEG_FOUR_OF_INT8);
    } else if (k >= 4) {
        EDGEEEG_ROWS_BY(EDGEEEG_FOUR_OF_INT16);
    }
    for (size_t i = 0; i < (k & 3); i++) {
        const int32_t value = edgeeeg_load(x, i, x_width);
        s0 += value * w0[i];
        s1 += value * w1[i];
        s2 += value * w2[i];
        s3 += value * w3[i];
    }
    return (edgeeeg_four){s0, s1, s2, s3};
}

EDGEEEG_INLINE int32_t edgeeeg_one_row(const void *x, size_t x_width, const int8_t *weight, size_t k) {
    int32_t sum = 0;
    const uint8_t *at = x;
    for (const int8_t *end = weight + (k & ~(size_t)3); weight != end; weight += 4, at += 4 * x_width) {
        uint32_t x02 = edgeeeg_word(at);
        uint32_t x13;
        if (x_width == 1) {
            x13 = edgeeeg_odd_bytes(x02);
            x02 = edgeeeg_even_bytes(x02);
        } else {
            x13 = edgeeeg_high_halves(x02, edgeeeg_word(at + 4));
            x02 = edgeeeg_low_halves(x02, edgeeeg_word(at + 4));
        }
        sum = edgeeeg_multiply_pairs(edgeeeg_even_bytes(edgeeeg_word(weight)), x02, sum);
        sum = edgeeeg_multiply_pairs(edgeeeg_odd_bytes(edgeeeg_word(weight)), x13, sum);
    }
    for (size_t i = 0; i < (k & 3); i++) {
        sum += edgeeeg_load(at, i, x_width) * weight[i];
    }
    return sum;
}

EDGEEEG_INLINE void edgeeeg_dense_dsp(const void *x, size_t x_width, const int8_t *weight,
                                      const int32_t *bias, const float *multiplier, void *y, size_t y_width,
                                      size_t rows, size_t k, size_t n) {
    const size_t fours = n & ~(size_t)3;
    uint8_t *to = y;
    for (size_t r = 0; r < rows; r++, to += n * y_width) {
        const void *row = edgeeeg_element(x, r * k, x_width);
        for (size_t o = 0; o < fours; o += 4) {
            const edgeeeg_four sums = edgeeeg_four_rows(row, x_width, weight + o * k, k);
            edgeeeg_store_rows(to + o * y_width, sums, bias ? bias + o : 0, multiplier + o, 4, y_width);
        }
        for (size_t o = fours; o < n; o++) {
            const int32_t sum = edgeeeg_one_row(row, x_width, weight + o * k, k) + (bias ? bias[o] : 0);
            edgeeeg_store(to, o, (float)sum * multiplier[o], y_width);
        }
    }
}

#endif
