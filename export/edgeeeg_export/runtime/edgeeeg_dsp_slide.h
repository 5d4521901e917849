/* edgeeeg_slide_plain with SMLAD: four outputs of a filter at a time. With stride 1 they share what they see:
 * of the pairs of elements, half begin at an odd element and are made of the two words that they lie in, with
 * their halves exchanged, as SMLADX wants them. */
#ifndef EDGEEEG_DSP_SLIDE_H
#define EDGEEEG_DSP_SLIDE_H

#include "edgeeeg_dsp_words.h"

/* What a block of outputs is made of: rows of `pitch` elements, and filters of `n_rows` rows of `taps`. Of
 * the first filter `made` outputs begin at y, those of the next `apart` elements behind them. */
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
    size_t made;
    size_t apart;
} edgeeeg_slide_block;

/* Four taps at four neighbours: x0 x1 in %[a], x2 x3 in %[b], x2 x1 in %[p]; the next four elements are read
 * to c and d, and take their place */
#define EDGEEEG_FOUR_TAPS(a, b, c, d)                                                                       \
    "ldrd %[k0], %[k1], [%[tap]], #8\n\t"                                                                   \
    "ldrd %[" c "], %[" d "], [%[x]], #8\n\t"                                                               \
    "smlad %[s0], %[k0], %[" a "], %[s0]\n\t"                                                               \
    "smladx %[s1], %[k0], %[p], %[s1]\n\t"                                                                  \
    "smlad %[s2], %[k0], %[" b "], %[s2]\n\t"                                                               \
    "pkhbt %[p], %[" c "], %[" b "]\n\t"                                                                    \
    "smlad %[s0], %[k1], %[" b "], %[s0]\n\t"                                                               \
    "smladx %[s3], %[k0], %[p], %[s3]\n\t"                                                                  \
    "smladx %[s1], %[k1], %[p], %[s1]\n\t"                                                                  \
    "smlad %[s2], %[k1], %[" c "], %[s2]\n\t"                                                               \
    "pkhbt %[p], %[" d "], %[" c "]\n\t"                                                                    \
    "smladx %[s3], %[k1], %[p], %[s3]\n\t"

/* Where a row begins: its first elements, and how often it has eight taps */
#define EDGEEEG_ROW_BEGINS                                                                                  \
    "1:\n\t"                                                                                                \
    "ldrd %[a], %[b], [%[x]], #8\n\t"                                                                       \
    "ldr %[n], %[eights]\n\t"                                                                               \
    "pkhbt %[p], %[b], %[a]\n\t"
#define EDGEEEG_EIGHT_TAPS                                                                                  \
    "2:\n\t" EDGEEEG_FOUR_TAPS("a", "b", "c", "d") EDGEEEG_FOUR_TAPS("c", "d", "a", "b")                    \
    "subs %[n], #1\n\t"                                                                                     \
    "bne 2b\n\t"
#define EDGEEEG_ROW_ENDS                                                                                    \
    "ldrd %[c], %[d], %[on]\n\t"                                                                            \
    "add %[x], %[c]\n\t"                                                                                    \
    "cmp %[tap], %[d]\n\t"                                                                                  \
    "bne 1b"

/* The sums of four neighbours with stride 1: whole rows in assembly, as it takes all fourteen registers */
EDGEEEG_INLINE void edgeeeg_slide_four(const int16_t *x, size_t pitch, size_t n_rows, const edgeeeg_tap *tap,
                                       size_t taps, edgeeeg_four *sums) {
    int32_t s0 = sums->s0;
    int32_t s1 = sums->s1;
    int32_t s2 = sums->s2;
    int32_t s3 = sums->s3;
    uint32_t a, b, c, d, p, k0, k1, n;
    const uint32_t eights = taps / 8;
    /* bytes from what a row has read to the next, and where its filter ends */
    const struct {
        uint32_t skip;
        const edgeeeg_tap *end;
    } on = {2 * (pitch - taps - 4), tap + n_rows * taps};
#define EDGEEEG_ROW_OPERANDS                                                                                \
    [s0] "+&r"(s0), [s1] "+&r"(s1), [s2] "+&r"(s2), [s3] "+&r"(s3), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c),   \
        [d] "=&r"(d), [p] "=&r"(p), [k0] "=&r"(k0), [k1] "=&r"(k1), [n] "=&l"(n), [x] "+&r"(x),              \
        [tap] "+&r"(tap)                                                                                     \
        : [eights] "m"(eights), [on] "m"(on)                                                                \
        : "memory", "cc"
    if (taps % 8 == 0) {
        __asm__ volatile(EDGEEEG_ROW_BEGINS EDGEEEG_EIGHT_TAPS EDGEEEG_ROW_ENDS : EDGEEEG_ROW_OPERANDS);
    } else {
        __asm__ volatile(EDGEEEG_ROW_BEGINS
                         "cbz %[n], 3f\n\t" EDGEEEG_EIGHT_TAPS
                         "3:\n\t" EDGEEEG_FOUR_TAPS("a", "b", "c", "d") EDGEEEG_ROW_ENDS
                         : EDGEEEG_ROW_OPERANDS);
    }
#undef EDGEEEG_ROW_OPERANDS
    sums->s0 = s0;
    sums->s1 = s1;
    sums->s2 = s2;
    sums->s3 = s3;
}

/* The sums of four outputs `stride` elements apart */
EDGEEEG_INLINE void edgeeeg_stride_four(const int16_t *row, size_t pitch, size_t n_rows, const edgeeeg_tap *tap,
                                        size_t taps, size_t stride, edgeeeg_four *sums) {
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

EDGEEEG_INLINE void edgeeeg_slide_filters(const edgeeeg_slide_block *block, size_t y_width) {
    const size_t pitch = block->pitch;
    const size_t n_rows = block->n_rows;
    const size_t taps = block->taps;
    const size_t stride = block->stride;
    const edgeeeg_tap *filter = block->filters;
    for (size_t o = 0; o < block->n_filters; o++) {
        const int32_t bias = block->bias ? block->bias[o] : 0;
        const float multiplier = block->multiplier[o];
        const int16_t *seen = block->rows;
        uint8_t *y = (uint8_t *)block->y + o * block->apart * y_width;
        for (size_t left = block->made;; left -= 4) {
            edgeeeg_four sums = {bias, bias, bias, bias};
            if (stride == 1) {
                edgeeeg_slide_four(seen, pitch, n_rows, filter, taps, &sums);
            } else {
                edgeeeg_stride_four(seen, pitch, n_rows, filter, taps, stride, &sums);
            }
            edgeeeg_store_four(y, sums, multiplier, left, y_width);
            if (left <= 4) {
                break;
            }
            seen += 4 * stride;
            y += 4 * y_width;
        }
        filter += n_rows * taps;
    }
}

/* shared by the widths of x */
static __attribute__((noinline, unused)) void edgeeeg_slide_filters_int8(const edgeeeg_slide_block *block) {
    edgeeeg_slide_filters(block, 1);
}

static __attribute__((noinline, unused)) void edgeeeg_slide_filters_int16(const edgeeeg_slide_block *block) {
    edgeeeg_slide_filters(block, 2);
}

/* `pitch` elements of a line of n that begin at element `first` of it, which may lie before its start */
EDGEEEG_INLINE void edgeeeg_slide_row(const void *line, size_t x_width, size_t first, size_t n, int16_t *row,
                                      size_t pitch) {
    const size_t before = (ptrdiff_t)first < 0 ? 0 - first : 0;
    const size_t lead = before < pitch ? before : pitch;
    const size_t from = before ? 0 : first < n ? first : n;
    const size_t there = n - from < pitch - lead ? n - from : pitch - lead;
    for (size_t i = 0; i < lead; i++) {
        row[i] = 0;
    }
    edgeeeg_widen(edgeeeg_element(line, from, x_width), x_width, row + lead, there);
    for (size_t i = lead + there; i < pitch; i++) {
        row[i] = 0;
    }
}

static __attribute__((noinline, unused)) void
edgeeeg_slide_row_int8(const void *line, size_t first, size_t n, int16_t *row, size_t pitch) {
    edgeeeg_slide_row(line, 1, first, n, row, pitch);
}

static __attribute__((noinline, unused)) void
edgeeeg_slide_row_int16(const void *line, size_t first, size_t n, int16_t *row, size_t pitch) {
    edgeeeg_slide_row(line, 2, first, n, row, pitch);
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
    edgeeeg_slide_block of = {.rows = scratch,
                              .pitch = edgeeeg_slide_pitch(window, block),
                              .n_rows = group_in * kernel[0] * kernel[1],
                              .taps = edgeeeg_slide_taps(window),
                              .stride = window->stride[2],
                              .n_filters = group_out,
                              .apart = plane};
    for (size_t g = 0; g < channels->batch * channels->groups; g++) {
        const size_t channel = g % channels->groups * group_out;
        of.filters = taps + channel * of.n_rows * of.taps;
        of.bias = bias ? bias + channel : 0;
        of.multiplier = multiplier + channel;
        for (size_t line = 0; line < out[0] * out[1]; line++) {
            for (size_t from = 0; from < out[2]; from += block) {
                const size_t first = from * of.stride - window->before[2];
                int16_t *row = scratch;
                for (size_t c = 0; c < group_in; c++) {
                    for (size_t k0 = 0; k0 < kernel[0]; k0++) {
                        const size_t i0 = edgeeeg_at(window, 0, line / out[1], k0);
                        for (size_t k1 = 0; k1 < kernel[1]; k1++) {
                            const size_t i1 = edgeeeg_at(window, 1, line % out[1], k1);
                            const int outside = i0 >= in[0] || i1 >= in[1];
                            const size_t at = (((g * group_in + c) * in[0] + i0) * in[1] + i1) * in[2];
                            /* a line outside is one of no elements */
                            const void *source = edgeeeg_element(x, outside ? 0 : at, x_width);
                            if (x_width == 1) {
                                edgeeeg_slide_row_int8(source, outside ? 0 : first, outside ? 0 : in[2], row,
                                                       of.pitch);
                            } else {
                                edgeeeg_slide_row_int16(source, outside ? 0 : first, outside ? 0 : in[2], row,
                                                        of.pitch);
                            }
                            row += of.pitch;
                        }
                    }
                }
                of.y = (uint8_t *)y + (g * group_out * plane + line * out[2] + from) * y_width;
                of.made = out[2] - from < block ? out[2] - from : block;
                if (y_width == 1) {
                    edgeeeg_slide_filters_int8(&of);
                } else {
                    edgeeeg_slide_filters_int16(&of);
                }
            }
        }
    }
}

#endif
