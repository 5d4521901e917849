/* edgeeeg_slide_plain with SMLAD: four outputs of a filter at a time. With stride 1 they share what they see:
 * of the pairs of elements, half begin at an odd element and are made of the two words that they lie in, with
 * their halves exchanged, as SMLADX wants them. */
#ifndef EDGEEEG_DSP_SLIDE_H
#define EDGEEEG_DSP_SLIDE_H

#include "edgeeeg_dsp_words.h"

/* What a block of outputs is made of: rows of `pitch` elements, and filters of `n_rows` rows of `taps`; of
 * each filter `n_lines` of `made` outputs. A line sees rows `rows_on` elements behind those of the line
 * before. The first line begins at y, the next `line_apart` elements behind it, the next filter
 * `filter_apart`. */
typedef struct {
    const int16_t *rows;
    const edgeeeg_tap *filters;
    const int32_t *bias;
    const float *multiplier;
    void *y;
    size_t pitch;
    size_t n_rows;
    size_t taps;
    size_t stride;
    size_t n_filters;
    size_t n_lines;
    size_t made;
    size_t rows_on;
    size_t line_apart;
    size_t filter_apart;
} edgeeeg_slide_block;

/* Four taps at four neighbours: x0 x1 in %[a], x2 x3 in %[b], x2 x1 in %[p]; the next four elements are read
 * to c and d, and take their place */
#define EDGEEEG_FOUR_TAPS(a, b, c, d)         \
    "ldrd %[k0], %[k1], [%[tap]], #8\n\t"     \
    "ldrd %[" c "], %[" d "], [%[x]], #8\n\t" \
    "smlad %[s0], %[k0], %[" a "], %[s0]\n\t" \
    "smladx %[s1], %[k0], %[p], %[s1]\n\t"    \
    "smlad %[s2], %[k0], %[" b "], %[s2]\n\t" \
    "pkhbt %[p], %[" c "], %[" b "]\n\t"      \
    "smlad %[s0], %[k1], %[" b "], %[s0]\n\t" \
    "smladx %[s3], %[k0], %[p], %[s3]\n\t"    \
    "smladx %[s1], %[k1], %[p], %[s1]\n\t"    \
    "smlad %[s2], %[k1], %[" c "], %[s2]\n\t" \
    "pkhbt %[p], %[" d "], %[" c "]\n\t"      \
    "smladx %[s3], %[k1], %[p], %[s3]\n\t"

/* Where a row begins: its first elements, and how often it has eight taps */
#define EDGEEEG_ROW_BEGINS            \
    "1:\n\t"                          \
    "ldrd %[a], %[b], [%[x]], #8\n\t" \
    "ldr %[n], %[eights]\n\t"         \
    "pkhbt %[p], %[b], %[a]\n\t"
#define EDGEEEG_EIGHT_TAPS                                                                                   \
    "2:\n\t" EDGEEEG_FOUR_TAPS("a", "b", "c", "d") EDGEEEG_FOUR_TAPS("c", "d", "a", "b") "subs %[n], #1\n\t" \
                                                                                         "bne 2b\n\t"
#define EDGEEEG_ROW_ENDS           \
    "ldrd %[c], %[d], %[ends]\n\t" \
    "add %[x], %[c]\n\t"           \
    "cmp %[tap], %[d]\n\t"         \
    "bne 1b"

/* Where rows end, in memory as the loops over them take all fourteen registers: bytes from what a row has
 * read to the next one, where the filter ends, and how often a row has eight taps */
typedef struct {
    uint32_t skip;
    const edgeeeg_tap *end;
    uint32_t eights;
} edgeeeg_slide_ends;

/* The sums of four neighbours with stride 1 */
EDGEEEG_INLINE void edgeeeg_slide_four(const int16_t *x, const edgeeeg_tap *tap, size_t taps,
                                       const edgeeeg_slide_ends *ends, edgeeeg_four *sums) {
    int32_t s0 = sums->s0;
    int32_t s1 = sums->s1;
    int32_t s2 = sums->s2;
    int32_t s3 = sums->s3;
    uint32_t a, b, c, d, p, k0, k1, n;
#define EDGEEEG_ROW_OPERANDS                                                                              \
    [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), \
        [d] "=&r"(d), [p] "=&r"(p), [k0] "=&r"(k0), [k1] "=&r"(k1), [n] "=&l"(n), [x] "+r"(x),            \
        [tap] "+r"(tap) : [eights] "m"(ends->eights), [ends] "m"(*ends) : "memory", "cc"
    if (taps % 8 == 0) {
        __asm__ volatile(EDGEEEG_ROW_BEGINS EDGEEEG_EIGHT_TAPS EDGEEEG_ROW_ENDS : EDGEEEG_ROW_OPERANDS);
    } else {
        __asm__ volatile(EDGEEEG_ROW_BEGINS "cbz %[n], 3f\n\t" EDGEEEG_EIGHT_TAPS
                                            "3:\n\t" EDGEEEG_FOUR_TAPS("a", "b", "c", "d") EDGEEEG_ROW_ENDS
                         : EDGEEEG_ROW_OPERANDS);
    }
#undef EDGEEEG_ROW_OPERANDS
    *sums = (edgeeeg_four){s0, s1, s2, s3};
}

/* The sums of four outputs `stride` elements apart */
EDGEEEG_INLINE void edgeeeg_stride_four(const int16_t *row, size_t pitch, size_t n_rows,
                                        const edgeeeg_tap *tap, size_t taps, size_t stride,
                                        edgeeeg_four *sums) {
    for (; n_rows; n_rows--) {
        const int16_t *first = row;
        const int16_t *third = row + 2 * stride;
        for (const edgeeeg_tap *end = tap + taps; tap != end; tap += 2, first += 2, third += 2) {
            const uint32_t pair = edgeeeg_word(tap);
            sums->s0 = edgeeeg_multiply_pairs(pair, edgeeeg_word(first), sums->s0);
            sums->s1 = edgeeeg_multiply_pairs(pair, edgeeeg_word(first + stride), sums->s1);
            sums->s2 = edgeeeg_multiply_pairs(pair, edgeeeg_word(third), sums->s2);
            sums->s3 = edgeeeg_multiply_pairs(pair, edgeeeg_word(third + stride), sums->s3);
        }
        row += pitch;
    }
}

EDGEEEG_INLINE void edgeeeg_slide_filters(const edgeeeg_slide_block *block, int strided, size_t y_width) {
    const size_t taps = block->taps;
    const size_t stride = strided ? block->stride : 1;
    const edgeeeg_tap *filter = block->filters;
    edgeeeg_slide_ends ends = {2 * (block->pitch - taps - 4), filter, taps / 8};
    for (size_t o = 0; o < block->n_filters; o++) {
        const int32_t bias = block->bias ? block->bias[o] : 0;
        const float multiplier = block->multiplier[o];
        ends.end += block->n_rows * taps;
        for (size_t line = 0; line < block->n_lines; line++) {
            const int16_t *seen = block->rows + line * block->rows_on;
            uint8_t *y = block->y;
            y += (o * block->filter_apart + line * block->line_apart) * y_width;
            for (size_t left = block->made;; left -= 4) {
                edgeeeg_four sums = {bias, bias, bias, bias};
                if (strided) {
                    edgeeeg_stride_four(seen, block->pitch, block->n_rows, filter, taps, stride, &sums);
                } else {
                    edgeeeg_slide_four(seen, filter, taps, &ends, &sums);
                }
                edgeeeg_store_four(y, sums, multiplier, left, y_width);
                if (left <= 4) {
                    break;
                }
                seen += 4 * stride;
                y += 4 * y_width;
            }
        }
        filter = ends.end;
    }
}

/* shared by the widths of x */
EDGEEEG_SHARED void edgeeeg_slide_filters_int8(const edgeeeg_slide_block *block) {
    edgeeeg_slide_filters(block, 0, 1);
}

EDGEEEG_SHARED void edgeeeg_slide_filters_int16(const edgeeeg_slide_block *block) {
    edgeeeg_slide_filters(block, 0, 2);
}

EDGEEEG_SHARED void edgeeeg_stride_filters_int8(const edgeeeg_slide_block *block) {
    edgeeeg_slide_filters(block, 1, 1);
}

EDGEEEG_SHARED void edgeeeg_stride_filters_int16(const edgeeeg_slide_block *block) {
    edgeeeg_slide_filters(block, 1, 2);
}

/* Rows of `pitch` elements from lines of a plane (in[1], in[2]), `apart` lines apart from line `line` on:
 * from element `first`, which may lie before a line's start as well as its line outside */
EDGEEEG_INLINE void edgeeeg_slide_rows(const void *plane, size_t x_width, const size_t *in, size_t line,
                                       size_t apart, size_t first, size_t n_rows, int16_t *row,
                                       size_t pitch) {
    const size_t before = (ptrdiff_t)first < 0 ? 0 - first : 0;
    const size_t lead = before < pitch ? before : pitch;
    const size_t from = before ? 0 : first < in[2] ? first : in[2];
    const size_t there = in[2] - from < pitch - lead ? in[2] - from : pitch - lead;
    for (; n_rows; n_rows--, line += apart, row += pitch) {
        const size_t zeros = plane && line < in[1] ? lead : pitch;
        for (size_t i = 0; i < zeros; i++) {
            row[i] = 0;
        }
        if (zeros == pitch) {
            continue;
        }
        edgeeeg_widen(edgeeeg_element(plane, line * in[2] + from, x_width), x_width, row + lead, there);
        for (size_t i = lead + there; i < pitch; i++) {
            row[i] = 0;
        }
    }
}

EDGEEEG_SHARED void edgeeeg_slide_rows_int8(const void *plane, const size_t *in, size_t line, size_t apart,
                                            size_t first, size_t n_rows, int16_t *row, size_t pitch) {
    edgeeeg_slide_rows(plane, 1, in, line, apart, first, n_rows, row, pitch);
}

EDGEEEG_SHARED void edgeeeg_slide_rows_int16(const void *plane, const size_t *in, size_t line, size_t apart,
                                             size_t first, size_t n_rows, int16_t *row, size_t pitch) {
    edgeeeg_slide_rows(plane, 2, in, line, apart, first, n_rows, row, pitch);
}

EDGEEEG_INLINE void edgeeeg_slide_dsp(const void *x, size_t x_width, const edgeeeg_tap *taps,
                                      const int32_t *bias, const float *multiplier, void *y, size_t y_width,
                                      const edgeeeg_window *window, const edgeeeg_channels *channels,
                                      size_t block, int16_t *scratch) {
    const size_t *in = window->in;
    const size_t *out = window->out;
    const size_t *kernel = window->kernel;
    const size_t group_in = channels->c_in / channels->groups;
    const size_t group_out = channels->c_out / channels->groups;
    const size_t plane = out[0] * out[1] * out[2];
    /* lines of one channel share the rows that both of them see */
    const size_t lines = block > out[2] ? block / out[2] : 1;
    edgeeeg_slide_block of = {.rows = scratch,
                              .pitch = edgeeeg_slide_pitch(window, block),
                              .n_rows = group_in * kernel[0] * kernel[1],
                              .taps = edgeeeg_slide_taps(window),
                              .stride = window->stride[2],
                              .n_filters = group_out,
                              .line_apart = out[2],
                              .filter_apart = plane};
    of.rows_on = window->stride[1] * of.pitch;
    for (size_t g = 0; g < channels->batch * channels->groups; g++) {
        const size_t channel = g % channels->groups * group_out;
        of.filters = taps + channel * of.n_rows * of.taps;
        of.bias = bias ? bias + channel : 0;
        of.multiplier = multiplier + channel;
        for (size_t line = 0; line < out[0] * out[1]; line += lines) {
            of.n_lines = out[0] * out[1] - line < lines ? out[0] * out[1] - line : lines;
            const size_t n_rows = kernel[1] + (of.n_lines - 1) * window->stride[1];
            for (size_t from = 0; from < out[2]; from += block) {
                int16_t *row = scratch;
                for (size_t c = 0; c < group_in; c++) {
                    for (size_t k0 = 0; k0 < kernel[0]; k0++, row += n_rows * of.pitch) {
                        const size_t i0 = edgeeeg_at(window, 0, line / out[1], k0);
                        const size_t at = ((g * group_in + c) * in[0] + i0) * in[1] * in[2];
                        const void *seen = i0 < in[0] ? edgeeeg_element(x, at, x_width) : 0;
                        const size_t i1 = edgeeeg_at(window, 1, line % out[1], 0);
                        const size_t first = from * of.stride - window->before[2];
                        if (x_width == 1) {
                            edgeeeg_slide_rows_int8(seen, in, i1, window->dilation[1], first, n_rows, row,
                                                    of.pitch);
                        } else {
                            edgeeeg_slide_rows_int16(seen, in, i1, window->dilation[1], first, n_rows, row,
                                                     of.pitch);
                        }
                    }
                }
                of.y = (uint8_t *)y + (g * group_out * plane + line * out[2] + from) * y_width;
                of.made = out[2] - from < block ? out[2] - from : block;
                if (of.stride == 1) {
                    (y_width == 1 ? edgeeeg_slide_filters_int8 : edgeeeg_slide_filters_int16)(&of);
                } else {
                    (y_width == 1 ? edgeeeg_stride_filters_int8 : edgeeeg_stride_filters_int16)(&of);
                }
            }
        }
    }
}

#endif
