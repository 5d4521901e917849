/* edgeeeg_tiles_plain with SMLAD: a tile of int8 weights is four words, one for each of four outputs. Both
 * operands are widened to pairs of elements 0 and 2, and 1 and 3, so nothing has to be put in order. */
#ifndef EDGEEEG_DSP_TILES_H
#define EDGEEEG_DSP_TILES_H

#include "edgeeeg_dsp_words.h"

#define EDGEEEG_ROW_OF_TILE(row, sum)                   \
    "sxtb16 %[pair], " row "\n\t"                       \
    "smlad %[" sum "], %[pair], %[x02], %[" sum "]\n\t" \
    "sxtb16 " row ", " row ", ror #8\n\t"               \
    "smlad %[" sum "], " row ", %[x13], %[" sum "]\n\t"
#define EDGEEEG_TILE                                                                                     \
    "ldrd %[x02], %[x13], [%[x]], #8\n\t"                                                                \
    "ldm %[tile]!, {r4, r5, r6, r8}\n\t" EDGEEEG_ROW_OF_TILE("r4", "s0") EDGEEEG_ROW_OF_TILE("r5", "s1") \
        EDGEEEG_ROW_OF_TILE("r6", "s2") EDGEEEG_ROW_OF_TILE("r8", "s3")

/* The sums of four outputs, of `wide` elements, a multiple of four */
EDGEEEG_INLINE edgeeeg_four edgeeeg_tiles_four(const uint32_t *x, const int8_t *tile, size_t wide) {
    int32_t s0 = 0;
    int32_t s1 = 0;
    int32_t s2 = 0;
    int32_t s3 = 0;
    uint32_t x02, x13, pair;
    const int8_t *end = tile + 4 * wide;
    /* two tiles a turn, the first turn one if their number is odd; registers of LDM rise with their numbers,
     * so these have names */
    __asm__ volatile("ldr %[pair], %[end]\n\t"
                     "subs %[pair], %[pair], %[tile]\n\t"
                     "tst %[pair], #16\n\t"
                     "bne 2f\n\t"
                     "1:\n\t" EDGEEEG_TILE "2:\n\t" EDGEEEG_TILE "ldr %[pair], %[end]\n\t"
                     "cmp %[tile], %[pair]\n\t"
                     "bne 1b"
                     : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3), [x] "+r"(x),
                       [tile] "+r"(tile), [x02] "=&r"(x02), [x13] "=&r"(x13), [pair] "=&r"(pair)
                     : [end] "m"(end)
                     : "memory", "cc", "r4", "r5", "r6", "r8");
    return (edgeeeg_four){s0, s1, s2, s3};
}

/* k elements of x, as pairs of elements 0 and 2, and 1 and 3 of every four; zeros to a multiple of four */
EDGEEEG_INLINE void edgeeeg_widen_apart(const void *x, size_t x_width, uint32_t *pairs, size_t k) {
    const uint8_t *at = x;
    for (const uint8_t *end = at + (k & ~(size_t)3) * x_width; at != end; at += 4 * x_width, pairs += 2) {
        const uint32_t first = edgeeeg_word(at);
        if (x_width == 1) {
            pairs[0] = edgeeeg_even_bytes(first);
            pairs[1] = edgeeeg_odd_bytes(first);
        } else {
            pairs[0] = edgeeeg_low_halves(first, edgeeeg_word(at + 4));
            pairs[1] = edgeeeg_high_halves(first, edgeeeg_word(at + 4));
        }
    }
    if (k & 3) {
        const uint32_t first = (uint16_t)edgeeeg_load(at, 0, x_width);
        const uint32_t third = (k & 3) > 2 ? (uint16_t)edgeeeg_load(at, 2, x_width) : 0;
        pairs[0] = first | third << 16;
        pairs[1] = (k & 3) > 1 ? (uint16_t)edgeeeg_load(at, 1, x_width) : 0;
    }
}

EDGEEEG_INLINE void edgeeeg_tiles_dsp(const void *x, size_t x_width, const int8_t *tiles, const int32_t *bias,
                                      const float *multiplier, void *y, size_t y_width, size_t rows, size_t k,
                                      size_t n, void *scratch) {
    const size_t wide = (k + 3) & ~(size_t)3;
    uint8_t *to = y;
    for (size_t r = 0; r < rows; r++) {
        edgeeeg_widen_apart(edgeeeg_element(x, r * k, x_width), x_width, scratch, k);
        const int8_t *tile = tiles;
        for (size_t o = 0; o < n; o += 4, tile += 4 * wide) {
            const edgeeeg_four sums = edgeeeg_tiles_four(scratch, tile, wide);
            const size_t made = n - o < 4 ? n - o : 4;
            edgeeeg_store_rows(to, sums, bias ? bias + o : 0, multiplier + o, made, y_width);
            to += made * y_width;
        }
    }
}

#endif
