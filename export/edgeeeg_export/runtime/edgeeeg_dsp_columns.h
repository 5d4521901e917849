/* edgeeeg_columns_plain with SMLAD. Columns lie four and four together: of each pair
 * of their elements first that of column 0, then those of columns 1, 2 and 3. */
#ifndef EDGEEEG_DSP_COLUMNS_H
#define EDGEEEG_DSP_COLUMNS_H

#include "edgeeeg_dsp_words.h"

/* What a block of outputs is made of: columns of `pitch` elements, and filters of as many taps. Of the first
 * filter `made` outputs begin at y, those of the next `apart` elements behind them. */
typedef struct {
    const int16_t *columns;
    const edgeeeg_tap *filters;
    const int32_t *bias;
    const float *multiplier;
    void *y;
    size_t pitch;
    size_t n_filters;
    size_t made;
    size_t apart;
} edgeeeg_columns_block;

/* four taps; registers of LDM rise with their numbers, so these have names */
#define EDGEEEG_TAPS_OF_COLUMNS           \
    "ldrd %[k0], %[k1], [%[tap]], #8\n\t" \
    "ldm %[x]!, {r4, r5, r6, r8}\n\t"     \
    "smlad %[s0], %[k0], r4, %[s0]\n\t"   \
    "smlad %[s1], %[k0], r5, %[s1]\n\t"   \
    "smlad %[s2], %[k0], r6, %[s2]\n\t"   \
    "smlad %[s3], %[k0], r8, %[s3]\n\t"   \
    "ldm %[x]!, {r4, r5, r6, r8}\n\t"     \
    "smlad %[s0], %[k1], r4, %[s0]\n\t"   \
    "smlad %[s1], %[k1], r5, %[s1]\n\t"   \
    "smlad %[s2], %[k1], r6, %[s2]\n\t"   \
    "smlad %[s3], %[k1], r8, %[s3]\n\t"

/* The sums of four columns, of a multiple of 4 elements: eight a turn, the first turn four if it is an odd
 * one */
EDGEEEG_INLINE void edgeeeg_columns_four(const int16_t *columns, const edgeeeg_tap *tap,
                                         const edgeeeg_tap *const *end, edgeeeg_four *sums) {
    int32_t s0 = sums->s0;
    int32_t s1 = sums->s1;
    int32_t s2 = sums->s2;
    int32_t s3 = sums->s3;
    uint32_t k0, k1;
    __asm__ volatile("ldr %[k0], %[end]\n\t"
                     "subs %[k0], %[k0], %[tap]\n\t"
                     "tst %[k0], #8\n\t"
                     "bne 2f\n\t"
                     "1:\n\t" EDGEEEG_TAPS_OF_COLUMNS "2:\n\t" EDGEEEG_TAPS_OF_COLUMNS "ldr %[k0], %[end]\n\t"
                     "cmp %[tap], %[k0]\n\t"
                     "bne 1b"
                     : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3), [x] "+r"(columns),
                       [tap] "+r"(tap), [k0] "=&r"(k0), [k1] "=&r"(k1)
                     : [end] "m"(*end)
                     : "memory", "cc", "r4", "r5", "r6", "r8");
    *sums = (edgeeeg_four){s0, s1, s2, s3};
}

EDGEEEG_INLINE void edgeeeg_columns_filters(const edgeeeg_columns_block *block, size_t y_width) {
    const size_t pitch = block->pitch;
    const edgeeeg_tap *filter = block->filters;
    for (size_t o = 0; o < block->n_filters; o++) {
        const int32_t bias = block->bias ? block->bias[o] : 0;
        const float multiplier = block->multiplier[o];
        const edgeeeg_tap *const end = filter + pitch;
        const int16_t *seen = block->columns;
        uint8_t *y = (uint8_t *)block->y + o * block->apart * y_width;
        for (size_t left = block->made;; left -= 4) {
            edgeeeg_four sums = {bias, bias, bias, bias};
            edgeeeg_columns_four(seen, filter, &end, &sums);
            edgeeeg_store_four(y, sums, multiplier, left, y_width);
            if (left <= 4) {
                break;
            }
            seen += 4 * pitch;
            y += 4 * y_width;
        }
        filter = end;
    }
}

/* shared by the widths of x */
EDGEEEG_SHARED void edgeeeg_columns_filters_int8(const edgeeeg_columns_block *block) {
    edgeeeg_columns_filters(block, 1);
}

EDGEEEG_SHARED void edgeeeg_columns_filters_int16(const edgeeeg_columns_block *block) {
    edgeeeg_columns_filters(block, 2);
}

/* four elements of one line above four of another, as pairs */
EDGEEEG_INLINE void edgeeeg_interleave(const void *above, const void *below, size_t x_width, int16_t *pairs) {
    if (x_width == 1) {
        const uint32_t even = edgeeeg_even_bytes(edgeeeg_word(above));
        const uint32_t odd = edgeeeg_odd_bytes(edgeeeg_word(above));
        const uint32_t even_below = edgeeeg_even_bytes(edgeeeg_word(below));
        const uint32_t odd_below = edgeeeg_odd_bytes(edgeeeg_word(below));
        edgeeeg_put_word(pairs, edgeeeg_low_halves(even, even_below));
        edgeeeg_put_word(pairs + 2, edgeeeg_low_halves(odd, odd_below));
        edgeeeg_put_word(pairs + 4, edgeeeg_high_halves(even, even_below));
        edgeeeg_put_word(pairs + 6, edgeeeg_high_halves(odd, odd_below));
    } else {
        for (size_t i = 0; i < 2; i++) {
            const uint32_t two = edgeeeg_word(edgeeeg_element(above, 2 * i, 2));
            const uint32_t two_below = edgeeeg_word(edgeeeg_element(below, 2 * i, 2));
            edgeeeg_put_word(pairs + 4 * i, edgeeeg_low_halves(two, two_below));
            edgeeeg_put_word(pairs + 4 * i + 2, edgeeeg_high_halves(two, two_below));
        }
    }
}

/* Whether outputs next to each other see elements next to each other, and one of each line: a window spans
 * its first axes and steps along the others */
static inline int edgeeeg_sees_lines(const edgeeeg_window *window) {
    int steps = 0;
    for (size_t axis = 0; axis < 3; axis++) {
        if (window->before[axis] || window->after[axis]) {
            return 0;
        }
        if (window->kernel[axis] == 1 && window->stride[axis] == 1) {
            steps |= window->in[axis] > 1;
        } else if (steps || window->out[axis] > 1 || window->kernel[axis] != window->in[axis]) {
            return 0;
        }
    }
    return 1;
}

/* Columns of a window that sees one element of each of `seen` lines: `made` of them from x on, lines `length`
 * elements apart */
EDGEEEG_INLINE void edgeeeg_columns_of_lines(const void *x, size_t x_width, size_t seen, size_t length,
                                             size_t made, size_t pitch, int16_t *columns) {
    for (size_t r = 0; r < pitch; r += 2) {
        const void *above = edgeeeg_element(x, (r < seen ? r : 0) * length, x_width);
        const void *below = edgeeeg_element(x, (r + 1 < seen ? r + 1 : 0) * length, x_width);
        int16_t *pairs = columns + 4 * r;
        /* what stands for a line that is not there is multiplied by taps that are 0 */
        for (size_t p = 0; p < (made & ~(size_t)3); p += 4, pairs += 4 * pitch) {
            edgeeeg_interleave(edgeeeg_element(above, p, x_width), edgeeeg_element(below, p, x_width),
                               x_width, pairs);
        }
        for (size_t p = made & ~(size_t)3; p < made; p++, pairs += 2) {
            pairs[0] = (int16_t)edgeeeg_load(above, p, x_width);
            pairs[1] = (int16_t)edgeeeg_load(below, p, x_width);
        }
    }
}

/* One element of each column of any window: what tap k2 of a line sees, from output (t1, t2) of a plane on;
 * `columns` is where the element of column 0 goes */
EDGEEEG_INLINE void edgeeeg_columns_of_tap(const void *x, size_t x_width, const edgeeeg_window *window,
                                           const size_t *k, size_t from, size_t made, size_t pitch,
                                           int16_t *columns) {
    const size_t *in = window->in;
    const size_t *out = window->out;
    size_t t2 = from % out[2];
    size_t line = from / out[2];
    for (size_t p = 0; p < made; line++, t2 = 0) {
        const size_t i0 = edgeeeg_at(window, 0, line / out[1], k[0]);
        const size_t i1 = edgeeeg_at(window, 1, line % out[1], k[1]);
        const int outside = i0 >= in[0] || i1 >= in[1];
        const void *seen = edgeeeg_element(x, outside ? 0 : (i0 * in[1] + i1) * in[2], x_width);
        const size_t n = outside ? 0 : in[2];
        const size_t stop = out[2] - t2 < made - p ? out[2] - t2 + p : made;
        size_t i2 = edgeeeg_at(window, 2, t2, k[2]);
        for (; p < stop; i2 += window->stride[2]) {
            *columns = i2 < n ? (int16_t)edgeeeg_load(seen, i2, x_width) : 0;
            columns += ++p & 3 ? 2 : 4 * pitch - 6;
        }
    }
}

EDGEEEG_INLINE void edgeeeg_columns_fill(const void *x, size_t x_width, const edgeeeg_window *window,
                                         size_t group_in, size_t from, size_t made, int16_t *columns) {
    const size_t *in = window->in;
    const size_t *kernel = window->kernel;
    const size_t seen = group_in * kernel[0] * kernel[1] * kernel[2];
    const size_t pitch = (seen + 3) & ~(size_t)3;
    const size_t plane = in[0] * in[1] * in[2];
    if (edgeeeg_sees_lines(window)) {
        const size_t length = window->out[0] * window->out[1] * window->out[2];
        edgeeeg_columns_of_lines(edgeeeg_element(x, from, x_width), x_width, seen, length, made, pitch,
                                 columns);
        return;
    }
    size_t filled = 0;
    for (size_t c = 0; c < group_in; c++) {
        size_t k[3];
        for (k[0] = 0; k[0] < kernel[0]; k[0]++) {
            for (k[1] = 0; k[1] < kernel[1]; k[1]++) {
                for (k[2] = 0; k[2] < kernel[2]; k[2]++, filled++) {
                    edgeeeg_columns_of_tap(edgeeeg_element(x, c * plane, x_width), x_width, window, k, from,
                                           made, pitch, columns + (filled / 2) * 8 + filled % 2);
                }
            }
        }
    }
    for (; filled < pitch; filled++) {
        for (size_t p = 0; p < made; p++) {
            columns[(p & ~(size_t)3) * pitch + (filled / 2) * 8 + 2 * (p & 3) + filled % 2] = 0;
        }
    }
}

EDGEEEG_SHARED void edgeeeg_columns_fill_int8(const void *x, const edgeeeg_window *window, size_t group_in,
                                              size_t from, size_t made, int16_t *columns) {
    edgeeeg_columns_fill(x, 1, window, group_in, from, made, columns);
}

EDGEEEG_SHARED void edgeeeg_columns_fill_int16(const void *x, const edgeeeg_window *window, size_t group_in,
                                               size_t from, size_t made, int16_t *columns) {
    edgeeeg_columns_fill(x, 2, window, group_in, from, made, columns);
}

EDGEEEG_INLINE void edgeeeg_columns_dsp(const void *x, size_t x_width, const edgeeeg_tap *taps,
                                        const int32_t *bias, const float *multiplier, void *y, size_t y_width,
                                        const edgeeeg_window *window, const edgeeeg_channels *channels,
                                        size_t block, int16_t *scratch) {
    const size_t group_in = channels->c_in / channels->groups;
    const size_t group_out = channels->c_out / channels->groups;
    const size_t seen = group_in * window->kernel[0] * window->kernel[1] * window->kernel[2];
    const size_t plane = window->out[0] * window->out[1] * window->out[2];
    const size_t of_group = group_in * window->in[0] * window->in[1] * window->in[2];
    edgeeeg_columns_block of = {
        .columns = scratch, .pitch = (seen + 3) & ~(size_t)3, .n_filters = group_out, .apart = plane};
    for (size_t g = 0; g < channels->batch * channels->groups; g++) {
        const size_t channel = g % channels->groups * group_out;
        const void *planes = edgeeeg_element(x, g * of_group, x_width);
        of.filters = taps + channel * of.pitch;
        of.bias = bias ? bias + channel : 0;
        of.multiplier = multiplier + channel;
        for (size_t from = 0; from < plane; from += block) {
            of.made = plane - from < block ? plane - from : block;
            of.y = (uint8_t *)y + (g * group_out * plane + from) * y_width;
            if (x_width == 1) {
                edgeeeg_columns_fill_int8(planes, window, group_in, from, of.made, scratch);
            } else {
                edgeeeg_columns_fill_int16(planes, window, group_in, from, of.made, scratch);
            }
            if (y_width == 1) {
                edgeeeg_columns_filters_int8(&of);
            } else {
                edgeeeg_columns_filters_int16(&of);
            }
        }
    }
}

#endif
