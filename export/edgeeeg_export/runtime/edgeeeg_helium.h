/* Kernels of edgeeeg_quantized_layers.h with vectors of sixteen int8 or eight int16 (Helium). Sums of many
 * products are four dot products at a time (VMLADAVA), those of a few go along four to sixteen outputs (VMLA).
 * Lanes behind the end of an array are predicated: nothing there is read.
 *
 * Requantization alone is in vectors of floats, in assembly: -mcpu=...+nomve.fp keeps the compiler from making
 * others, which would flush the subnormal numbers of float layers. Here what is flushed is rounded to 0 anyway,
 * so the bits are those of the scalar unit. */
#ifndef EDGEEEG_HELIUM_H
#define EDGEEEG_HELIUM_H

#include <arm_mve.h>

#define EDGEEEG_FEW_TAPS 6 /* along a row, from which on dot products take fewer instructions */

/* sums += `one` . each of `four`, k products each. A loop whose last round is predicated (WLSTP, LETP), which
 * gcc does not make: the tail costs no instruction. */
#define EDGEEEG_DOT4(lanes, load_one, load_four)                                                             \
    __asm("wlstp." lanes " lr, %[k], 2f\n"                                                          \
                   "1:\n"                                                                                    \
                   "\t" load_one " q0, [%[one]], %[one_bytes]\n"                                             \
                   "\t" load_four " q1, [%[w]], %[four_bytes]\n"                                             \
                   "\tvmladava.s" lanes " %[a], q0, q1\n"                                                    \
                   "\t" load_four " q2, [%[x]], %[four_bytes]\n"                                             \
                   "\tvmladava.s" lanes " %[b], q0, q2\n"                                                    \
                   "\t" load_four " q3, [%[y]], %[four_bytes]\n"                                             \
                   "\tvmladava.s" lanes " %[c], q0, q3\n"                                                    \
                   "\t" load_four " q1, [%[z]], %[four_bytes]\n"                                             \
                   "\tvmladava.s" lanes " %[d], q0, q1\n"                                                    \
                   "\tletp lr, 1b\n"                                                                         \
                   "2:"                                                                                      \
                   : [a] "+Te"(sums[0]), [b] "+Te"(sums[1]), [c] "+Te"(sums[2]), [d] "+Te"(sums[3]),         \
                     [one] "+r"(one), [w] "+r"(w), [x] "+r"(x), [y] "+r"(y), [z] "+r"(z)                     \
                   : [k] "r"(k), [one_bytes] "i"(one_width == 1 && four_width == 2 ? 8 : 16),                \
                     [four_bytes] "i"(four_width == 1 && one_width == 2 ? 8 : 16)                            \
                   : "lr", "q0", "q1", "q2", "q3", "memory")

/* `one` and the four rows of `four`, `pitch` elements apart, have elements of 1 or 2 bytes */
EDGEEEG_INLINE void edgeeeg_dot4(const void *one, size_t one_width, const void *four, size_t four_width,
                                 size_t pitch, size_t k, int32_t sums[4]) {
    const uint8_t *w = four;
    const uint8_t *x = w + pitch * four_width;
    const uint8_t *y = x + pitch * four_width;
    const uint8_t *z = y + pitch * four_width;
    if (one_width == 1 && four_width == 1) {
        EDGEEEG_DOT4("8", "vldrb.u8", "vldrb.u8");
    } else if (one_width == 1) {
        EDGEEEG_DOT4("16", "vldrb.s16", "vldrh.u16");
    } else {
        EDGEEEG_DOT4("16", "vldrh.u16", "vldrb.s16");
    }
}

EDGEEEG_INLINE int32x4_t edgeeeg_vector_of(const int32_t sums[4]) {
    int32x4_t vector;
    __asm("vmov %q0[2], %q0[0], %1, %3\n"
          "\tvmov %q0[3], %q0[1], %2, %4"
          : "=&w"(vector)
          : "r"(sums[0]), "r"(sums[1]), "r"(sums[2]), "r"(sums[3]));
    return vector;
}

/* whole numbers next to multiplier sums, ties to even, and the least or greatest integer for those beyond it */
EDGEEEG_INLINE int32x4_t edgeeeg_times(int32x4_t sums, float multiplier) {
    int32x4_t y;
    __asm(".arch_extension mve.fp\n"
          "\tvcvt.f32.s32 %q0, %q1\n"
          "\tvmul.f32 %q0, %q0, %2\n"
          "\tvcvtn.s32.f32 %q0, %q0"
          : "=w"(y)
          : "w"(sums), "r"(multiplier));
    return y;
}

/* the same with a multiplier for each, given by their bits */
EDGEEEG_INLINE int32x4_t edgeeeg_times_each(int32x4_t sums, int32x4_t multipliers) {
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

EDGEEEG_INLINE void edgeeeg_dense_helium(const void *x, size_t x_width, const int8_t *weight,
                                         const int32_t *bias, const float *multiplier, void *y, size_t y_width,
                                         size_t rows, size_t k, size_t n) {
    /* the last four may be some of those before them again; fewer than four are made one by one */
    const size_t tile = n < 4 ? 1 : 4;
    const size_t pitch = n < 4 ? 0 : k;
    const mve_pred16_t lanes = vctp32q(tile);
    for (size_t r = 0; r < rows; r++) {
        for (size_t next = 0; next < n; next += tile) {
            const size_t o = n - next < tile ? n - tile : next;
            int32_t sums[4] = {0, 0, 0, 0};
            edgeeeg_dot4(edgeeeg_element(x, r * k, x_width), x_width, weight + o * k, 1, pitch, k, sums);
            int32x4_t total = edgeeeg_vector_of(sums);
            if (bias) {
                total = vaddq_s32(total, vldrwq_z_s32(bias + o, lanes));
            }
            const int32x4_t each = vldrwq_z_s32((const int32_t *)(const void *)(multiplier + o), lanes);
            edgeeeg_store4(y, r * n + o, y_width, edgeeeg_times_each(total, each), lanes);
        }
    }
}

/* What the outputs of one filter see, `made` of them: windows of `rows` rows of k elements, `step` elements
 * from one output to the next and `pitch` from row to row */
typedef struct {
    const void *x;
    size_t x_width;
    size_t step;
    size_t rows;
    size_t pitch;
    size_t k;
    size_t made;
} edgeeeg_windows;

/* A filter: its taps, `pitch` of them from row to row, and what makes an output of its sums */
typedef struct {
    const int8_t *taps;
    size_t pitch;
    int32_t bias;
    float multiplier;
} edgeeeg_filter;

/* y[t] = multiplier (bias + sum over window t) of `tiles` fours of windows of one row, in one loop: what does
 * not change lies in vectors, for four sums and five pointers leave few registers. */
#define EDGEEEG_DOTS(lanes, load_tap, load_x, narrow)                                                        \
    __asm volatile("1:\tvmov.32 %[a], %e[kept][0]\n"                                                                  \
          "\tvmov.32 %[w], %e[kept][1]\n"                                                                    \
          "\tdlstp." lanes " lr, %[a]\n"                                                                     \
          "\tmov %[a], #0\n"                                                                                 \
          "\tmov %[b], #0\n"                                                                                 \
          "\tmov %[c], #0\n"                                                                                 \
          "\tmov %[d], #0\n"                                                                                 \
          "2:\t" load_tap " q0, [%[w]], %[tap_bytes]\n"                                                      \
          "\t" load_x " q1, [%[x0]], #16\n"                                                                  \
          "\tvmladava.s" lanes " %[a], q0, q1\n"                                                             \
          "\t" load_x " q2, [%[x1]], #16\n"                                                                  \
          "\tvmladava.s" lanes " %[b], q0, q2\n"                                                             \
          "\t" load_x " q3, [%[x2]], #16\n"                                                                  \
          "\tvmladava.s" lanes " %[c], q0, q3\n"                                                             \
          "\t" load_x " q1, [%[x3]], #16\n"                                                                  \
          "\tvmladava.s" lanes " %[d], q0, q1\n"                                                             \
          "\tletp lr, 2b\n"                                                                                  \
          "\tvmov q0[2], q0[0], %[a], %[c]\n"                                                                \
          "\tvmov q0[3], q0[1], %[b], %[d]\n"                                                                \
          "\tvadd.i32 q0, q0, %q[bias]\n"                                                                    \
          "\t.arch_extension mve.fp\n"                                                                       \
          "\tvcvt.f32.s32 q0, q0\n"                                                                          \
          "\tvmul.f32 q0, q0, %q[multiplier]\n"                                                              \
          "\tvcvtn.s32.f32 q0, q0\n" narrow "\tvmov.32 %[w], %f[kept][0]\n"                                \
          "\tadd %[x0], %[x0], %[w]\n"                                \
          "\tadd %[x1], %[x1], %[w]\n"                                                                  \
          "\tadd %[x2], %[x2], %[w]\n"                                                                  \
          "\tadd %[x3], %[x3], %[w]\n"                                                                  \
          "\tsubs %[tiles], %[tiles], #1\n"                                                                  \
          "\tbne 1b"                                                                                         \
          : [a] "=&Te"(a), [b] "=&Te"(b), [c] "=&Te"(c), [d] "=&Te"(d), [w] "=&r"(w), [x0] "+r"(x0),         \
            [x1] "+r"(x1), [x2] "+r"(x2), [x3] "+r"(x3), [y] "+r"(to), [tiles] "+r"(tiles)                   \
          : [kept] "w"(kept), [bias] "w"(bias), [multiplier] "w"(multiplier), [most] "w"(most), [tap_bytes] "i"(of.x_width == 1 ? 16 : 8)                                      \
          : "lr", "cc", "q0", "q1", "q2", "q3", "memory")
#define EDGEEEG_TO_INT8                                                                                      \
    "\tvqmovnb.s32 q0, q0\n"                                                                                 \
    "\tvqmovnb.s16 q0, q0\n"                                                                                 \
    "\tvstrb.32 q0, [%[y]], #4\n"
#define EDGEEEG_TO_INT16                                                                                     \
    "\tvmin.s32 q0, q0, %q[most]\n"                                                                          \
    "\tvqmovnb.s32 q0, q0\n"                                                                                 \
    "\tvstrh.32 q0, [%[y]], #8\n"

EDGEEEG_INLINE void edgeeeg_filter_row(edgeeeg_windows of, edgeeeg_filter filter, void *y, size_t at,
                                       size_t y_width) {
    const size_t chunk = of.x_width == 1 ? 16 : 8;
    const size_t onward = (4 * of.step - (of.k + chunk - 1) / chunk * chunk) * of.x_width;
    const int32_t fixed[4] = {(int32_t)of.k, (int32_t)filter.taps, (int32_t)onward, 0};
    const int32x4_t kept = edgeeeg_vector_of(fixed);
    const int32x4_t bias = vdupq_n_s32(filter.bias);
    const int32x4_t most = vdupq_n_s32(32639);
    int32x4_t multiplier;
    __asm("vdup.32 %q0, %1" : "=w"(multiplier) : "r"(filter.multiplier));
    size_t t = 0;
    size_t tiles = of.made / 4;
    size_t made;
    do { /* the last four may be some of those before them again */
        const uint8_t *x0 = edgeeeg_element(of.x, t * of.step, of.x_width);
        const uint8_t *x1 = x0 + of.step * of.x_width;
        const uint8_t *x2 = x1 + of.step * of.x_width;
        const uint8_t *x3 = x2 + of.step * of.x_width;
        uint8_t *to = (uint8_t *)y + (at + t) * y_width;
        int32_t a, b, c, d;
        const int8_t *w;
        made = t + 4 * tiles;
        if (of.x_width == 1 && y_width == 1) {
            EDGEEEG_DOTS("8", "vldrb.u8", "vldrb.u8", EDGEEEG_TO_INT8);
        } else if (of.x_width == 1) {
            EDGEEEG_DOTS("8", "vldrb.u8", "vldrb.u8", EDGEEEG_TO_INT16);
        } else if (y_width == 1) {
            EDGEEEG_DOTS("16", "vldrb.s16", "vldrh.u16", EDGEEEG_TO_INT8);
        } else {
            EDGEEEG_DOTS("16", "vldrb.s16", "vldrh.u16", EDGEEEG_TO_INT16);
        }
        t = of.made - 4;
        tiles = 1;
    } while (made < of.made);
}

/* The same of any windows */
EDGEEEG_INLINE void edgeeeg_filter_dots(edgeeeg_windows of, edgeeeg_filter filter, void *y, size_t at,
                                        size_t y_width) {
    if (of.rows == 1 && of.made >= 4) {
        edgeeeg_filter_row(of, filter, y, at, y_width);
        return;
    }
    const size_t tile = of.made < 4 ? 1 : 4;
    const size_t step = of.made < 4 ? 0 : of.step;
    const mve_pred16_t lanes = vctp32q(tile);
    for (size_t next = 0; next < of.made; next += tile) {
        const size_t t = of.made - next < tile ? of.made - tile : next;
        const uint8_t *row = edgeeeg_element(of.x, t * of.step, of.x_width);
        const int8_t *taps = filter.taps;
        int32_t sums[4] = {filter.bias, filter.bias, filter.bias, filter.bias};
        for (size_t r = 0; r < of.rows; r++) {
            edgeeeg_dot4(taps, 1, row, of.x_width, step, of.k, sums);
            row += of.pitch * of.x_width;
            taps += filter.pitch;
        }
        const int32x4_t whole = edgeeeg_times(edgeeeg_vector_of(sums), filter.multiplier);
        edgeeeg_store4(y, at + t, y_width, whole, lanes);
    }
}

/* four elements, `step` apart where they are gathered */
EDGEEEG_INLINE int32x4_t edgeeeg_load4(const void *x, size_t at, size_t x_width) {
    return x_width == 1 ? vldrbq_s32((const int8_t *)x + at) : vldrhq_s32((const int16_t *)x + at);
}

EDGEEEG_INLINE int32x4_t edgeeeg_gather4(const void *x, size_t x_width, uint32x4_t places, mve_pred16_t lanes) {
    return x_width == 1 ? vldrbq_gather_offset_z_s32(x, places, lanes)
                        : vldrhq_gather_shifted_offset_z_s32(x, places, lanes);
}

/* The same along the outputs, tap by tap: sixteen of them, and at the end or where a step leaves gaps four */
EDGEEEG_INLINE void edgeeeg_filter_along(edgeeeg_windows of, edgeeeg_filter filter, void *y, size_t at,
                                         size_t y_width) {
    size_t t = 0;
    for (; of.step == 1 && of.made - t >= 16; t += 16) {
        int32x4_t a = vdupq_n_s32(filter.bias), b = a, c = a, d = a;
        const uint8_t *row = edgeeeg_element(of.x, t, of.x_width);
        const int8_t *taps = filter.taps;
        for (size_t r = 0; r < of.rows; r++) {
            const uint8_t *seen = row;
            for (size_t k = 0; k < of.k; k++) {
                const int32_t tap = taps[k];
                a = vmlaq_n_s32(a, edgeeeg_load4(seen, 0, of.x_width), tap);
                b = vmlaq_n_s32(b, edgeeeg_load4(seen, 4, of.x_width), tap);
                c = vmlaq_n_s32(c, edgeeeg_load4(seen, 8, of.x_width), tap);
                d = vmlaq_n_s32(d, edgeeeg_load4(seen, 12, of.x_width), tap);
                seen += of.x_width;
            }
            row += of.pitch * of.x_width;
            taps += filter.pitch;
        }
        const mve_pred16_t all = vctp32q(4);
        edgeeeg_store4(y, at + t, y_width, edgeeeg_times(a, filter.multiplier), all);
        edgeeeg_store4(y, at + t + 4, y_width, edgeeeg_times(b, filter.multiplier), all);
        edgeeeg_store4(y, at + t + 8, y_width, edgeeeg_times(c, filter.multiplier), all);
        edgeeeg_store4(y, at + t + 12, y_width, edgeeeg_times(d, filter.multiplier), all);
    }
    const uint32x4_t places = vmulq_n_u32(vidupq_n_u32(0, 1), of.step);
    for (; t < of.made; t += 4) {
        const mve_pred16_t lanes = vctp32q(of.made - t);
        int32x4_t sum = vdupq_n_s32(filter.bias);
        for (size_t r = 0; r < of.rows; r++) {
            const uint8_t *seen = edgeeeg_element(of.x, r * of.pitch + t * of.step, of.x_width);
            for (size_t k = 0; k < of.k; k++) {
                const int32x4_t values = edgeeeg_gather4(seen, of.x_width, places, lanes);
                sum = vmlaq_n_s32(sum, values, filter.taps[r * filter.pitch + k]);
                seen += of.x_width;
            }
        }
        edgeeeg_store4(y, at + t, y_width, edgeeeg_times(sum, filter.multiplier), lanes);
    }
}

/* `count` bytes of a line of `size`, from place `from` on; 0 in front of it and behind it */
EDGEEEG_INLINE void edgeeeg_fill_row(uint8_t *row, ptrdiff_t count, const uint8_t *line, ptrdiff_t from,
                                     ptrdiff_t size) {
    const ptrdiff_t start = from >= 0 ? 0 : -from < count ? -from : count;
    const ptrdiff_t left = size - from < count ? size - from : count;
    const ptrdiff_t end = left < start ? start : left;
    const uint8_t *seen = line + (from + start);
    uint8_t *to = row + start, *behind = row + end;
    __asm volatile("vmov.i32 q0, #0\n"
                   "\twlstp.8 lr, %[before], 2f\n"
                   "1:\tvstrb.8 q0, [%[row]], #16\n"
                   "\tletp lr, 1b\n"
                   "2:\twlstp.8 lr, %[after], 4f\n"
                   "3:\tvstrb.8 q0, [%[behind]], #16\n"
                   "\tletp lr, 3b\n"
                   "4:\twlstp.8 lr, %[inside], 6f\n"
                   "5:\tvldrb.u8 q0, [%[seen]], #16\n"
                   "\tvstrb.8 q0, [%[to]], #16\n"
                   "\tletp lr, 5b\n"
                   "6:"
                   : [row] "+r"(row), [behind] "+r"(behind), [seen] "+r"(seen), [to] "+r"(to)
                   : [before] "r"(start), [after] "r"(count - end), [inside] "r"(end - start)
                   : "lr", "q0", "memory");
}

EDGEEEG_INLINE void edgeeeg_slide_helium(const void *x, size_t x_width, const edgeeeg_tap *taps,
                                         const int32_t *bias, const float *multiplier, void *y, size_t y_width,
                                         const edgeeeg_window *window, const edgeeeg_channels *channels,
                                         size_t block, void *scratch) {
    const size_t *in = window->in;
    const size_t *out = window->out;
    const size_t *kernel = window->kernel;
    const size_t group_in = channels->c_in / channels->groups;
    const size_t group_out = channels->c_out / channels->groups;
    const size_t lines = kernel[0] * kernel[1];
    const size_t even = (kernel[2] + 1) & ~(size_t)1;
    const size_t pitch = edgeeeg_slide_pitch(window, block);
    edgeeeg_windows of = {scratch, x_width, window->stride[2], group_in * lines, 0, kernel[2], 0};
    for (size_t g = 0; g < channels->batch * channels->groups; g++) {
        for (size_t line = 0; line < out[0] * out[1]; line++) {
            for (size_t from = 0; from < out[2]; from += block) {
                of.made = out[2] - from < block ? out[2] - from : block;
                const size_t span = (of.made - 1) * of.step + of.k;
                const size_t first = from * of.step - window->before[2]; /* wraps in front of the line */
                const size_t top = edgeeeg_at(window, 0, line / out[1], 0);
                const size_t left = edgeeeg_at(window, 1, line % out[1], 0);
                if (lines == 1 && top < in[0] && left < in[1] && first < in[2] && span <= in[2] - first) {
                    const size_t at = ((g * group_in * in[0] + top) * in[1] + left) * in[2] + first;
                    of.x = edgeeeg_element(x, at, x_width);
                    of.pitch = in[0] * in[1] * in[2];
                } else {
                    uint8_t *row = scratch;
                    of.x = scratch;
                    of.pitch = pitch;
                    for (size_t c = 0; c < group_in; c++) {
                        for (size_t k0 = 0; k0 < kernel[0]; k0++) {
                            const size_t i0 = top + k0 * window->dilation[0];
                            for (size_t k1 = 0; k1 < kernel[1]; k1++) {
                                const size_t i1 = left + k1 * window->dilation[1];
                                const int outside = i0 >= in[0] || i1 >= in[1];
                                const size_t at = (((g * group_in + c) * in[0] + i0) * in[1] + i1) * in[2];
                                edgeeeg_fill_row(row, (ptrdiff_t)(span * x_width),
                                                 edgeeeg_element(x, outside ? 0 : at, x_width),
                                                 (ptrdiff_t)(first * x_width),
                                                 outside ? 0 : (ptrdiff_t)(in[2] * x_width));
                                row += pitch * x_width;
                            }
                        }
                    }
                }
                for (size_t o = 0; o < group_out; o++) {
                    const size_t channel = g % channels->groups * group_out + o;
                    const size_t to = ((g * group_out + o) * out[0] * out[1] + line) * out[2] + from;
                    const edgeeeg_filter filter = {taps + channel * of.rows * even, even,
                                                   bias ? bias[channel] : 0, multiplier[channel]};
                    if (of.k < EDGEEEG_FEW_TAPS) {
                        edgeeeg_filter_along(of, filter, y, to, y_width);
                    } else {
                        edgeeeg_filter_dots(of, filter, y, to, y_width);
                    }
                }
            }
        }
    }
}

#define EDGEEEG_SCATTER(load, store)                                                                         \
    __asm volatile("wlstp.16 lr, %[inside], 2f\n"                                                                     \
          "1:\n\t" load "\n\t" store "\n"                                                                    \
          "\tadd %[seen], %[seen], %[ahead]\n"                                                               \
          "\tadd %[column], %[column], %[along]\n"                                                           \
          "\tletp lr, 1b\n"                                                                                  \
          "2:"                                                                                               \
          : [seen] "+r"(seen), [column] "+r"(column)                                                         \
          : [inside] "r"(inside), [from] "w"(from), [to] "w"(to), [ahead] "r"(8 * stride * width),           \
            [along] "r"(8 * pitch * width)                                                                   \
          : "lr", "q0", "memory")

/* What tap k sees of a line, for `count` outputs whose first sees place `first` (which wraps in front of the
 * line), into columns `pitch` elements apart; 0 in front of the line and behind its `size` */
EDGEEEG_INLINE void edgeeeg_fill_columns(void *columns, size_t pitch, size_t count, const void *line,
                                         size_t width, size_t first, size_t stride, size_t size) {
    const uint16x8_t steps = vidupq_n_u16(0, 1);
    const uint16x8_t to = vmulq_n_u16(steps, (uint16_t)(pitch * width));
    const uint16x8_t from = vmulq_n_u16(steps, (uint16_t)(stride * width));
    const size_t lanes = pitch < 4096 && stride < 4096 ? 8 : 1; /* offsets are 16 bits */
    size_t p = 0;
    while (p < count) {
        uint8_t *column = (uint8_t *)columns + p * pitch * width;
        if (first >= size) {
            if (width == 1) {
                *column = 0;
            } else {
                *(edgeeeg_int16 *)(void *)column = 0;
            }
            p++;
            first += stride;
            continue;
        }
        const uint8_t *seen = edgeeeg_element(line, first, width);
        size_t inside = (size - first + stride - 1) / stride;
        inside = inside < count - p ? inside : count - p;
        inside = inside < lanes || lanes == 8 ? inside : lanes;
        p += inside;
        first += inside * stride;
        if (width == 1) {
            EDGEEEG_SCATTER("vldrb.s16 q0, [%[seen], %q[from]]", "vstrb.16 q0, [%[column], %q[to]]");
        } else {
            EDGEEEG_SCATTER("vldrh.u16 q0, [%[seen], %q[from]]", "vstrh.16 q0, [%[column], %q[to]]");
        }
    }
}

/* Where rows lie that are copied, and what is copied of them: `rows` rows, `pitch` bytes apart, of lines of
 * `size` bytes; `bytes` of each, to places `apart` */
typedef struct {
    const uint8_t *lines;
    size_t rows;
    size_t pitch;
    size_t size;
    size_t bytes;
    size_t apart;
} edgeeeg_rows;

/* What `count` outputs see of rows, all of it inside: from place `first` on, `step` bytes from output to
 * output, into columns `next` bytes apart */
EDGEEEG_INLINE void edgeeeg_copy_columns(uint8_t *columns, size_t next, size_t count, edgeeeg_rows of,
                                         size_t first, size_t step) {
    for (size_t i = 0; i < of.bytes; i += 16) {
        const uint8_t *seen, *row = of.lines + first + i;
        uint8_t *to, *column = columns + i;
        size_t rows = of.rows;
        __asm volatile("vctp.8 %[left]\n"
                       "1:\tmov %[seen], %[row]\n"
                       "\tmov %[to], %[column]\n"
                       "\tdls lr, %[count]\n"
                       "2:\tvpstt\n"
                       "\tvldrbt.u8 q0, [%[seen]]\n"
                       "\tvstrbt.8 q0, [%[to]]\n"
                       "\tadd %[seen], %[seen], %[step]\n"
                       "\tadd %[to], %[to], %[next]\n"
                       "\tle lr, 2b\n"
                       "\tadd %[row], %[row], %[pitch]\n"
                       "\tadd %[column], %[column], %[apart]\n"
                       "\tsubs %[rows], %[rows], #1\n"
                       "\tbne 1b"
                       : [seen] "=&r"(seen), [to] "=&r"(to), [row] "+r"(row), [column] "+r"(column),
                         [rows] "+r"(rows)
                       : [left] "r"(of.bytes - i), [count] "r"(count), [step] "r"(step), [next] "r"(next),
                         [pitch] "r"(of.pitch), [apart] "r"(of.apart)
                       : "lr", "cc", "q0", "memory");
    }
}

/* The same of one output that sees padding, too: 0 in front of a line and behind it */
EDGEEEG_INLINE void edgeeeg_pad_column(uint8_t *column, edgeeeg_rows of, ptrdiff_t first) {
    for (size_t r = 0; r < of.rows; r++) {
        edgeeeg_fill_row(column + r * of.apart, (ptrdiff_t)of.bytes, of.lines + r * of.pitch, first,
                         (ptrdiff_t)of.size);
    }
}

EDGEEEG_INLINE void edgeeeg_columns_helium(const void *x, size_t x_width, const edgeeeg_tap *taps,
                                           const int32_t *bias, const float *multiplier, void *y,
                                           size_t y_width, const edgeeeg_window *window,
                                           const edgeeeg_channels *channels, size_t block, void *scratch) {
    const size_t *in = window->in;
    const size_t *out = window->out;
    const size_t *kernel = window->kernel;
    const size_t group_in = channels->c_in / channels->groups;
    const size_t group_out = channels->c_out / channels->groups;
    const size_t lines = kernel[0] * kernel[1];
    const size_t seen = group_in * lines * kernel[2];
    const size_t pitch = (seen + 3) & ~(size_t)3;
    const size_t plane = out[0] * out[1] * out[2];
    edgeeeg_windows of = {scratch, x_width, pitch, 1, 0, seen, 0};
    block *= 2 / x_width; /* columns of int16 have room in scratch */
    for (size_t g = 0; g < channels->batch * channels->groups; g++) {
        for (size_t from = 0; from < plane; from += block) {
            of.made = plane - from < block ? plane - from : block;
            for (size_t p = 0, run; p < of.made; p += run) { /* outputs of one line */
                const size_t line = (from + p) / out[2];
                const size_t t2 = (from + p) % out[2];
                run = out[2] - t2 < of.made - p ? out[2] - t2 : of.made - p;
                uint8_t *part = (uint8_t *)scratch + p * pitch * x_width;
                for (size_t k0 = 0; k0 < kernel[0]; k0++) {
                    const size_t i0 = edgeeeg_at(window, 0, line / out[1], k0);
                    for (size_t k1 = 0; k1 < kernel[1]; k1++) {
                        const size_t i1 = edgeeeg_at(window, 1, line % out[1], k1);
                        const int outside = i0 >= in[0] || i1 >= in[1];
                        const size_t at = ((g * group_in * in[0] + i0) * in[1] + i1) * in[2];
                        const uint8_t *seen = edgeeeg_element(x, outside ? 0 : at, x_width);
                        const size_t size = outside ? 0 : in[2];
                        if (kernel[2] >= 4 && window->dilation[2] == 1) {
                            const edgeeeg_rows rows = {seen,
                                                       group_in,
                                                       in[0] * in[1] * in[2] * x_width,
                                                       size * x_width,
                                                       kernel[2] * x_width,
                                                       lines * kernel[2] * x_width};
                            for (size_t t = 0, inside; t < run; t += inside) {
                                const size_t first = edgeeeg_at(window, 2, t2 + t, 0);
                                uint8_t *column = part + t * pitch * x_width;
                                if (first < size && size - first >= kernel[2]) {
                                    inside = (size - first - kernel[2]) / window->stride[2] + 1;
                                    inside = inside < run - t ? inside : run - t;
                                    edgeeeg_copy_columns(column, pitch * x_width, inside, rows, first * x_width,
                                                         window->stride[2] * x_width);
                                } else {
                                    inside = 1;
                                    edgeeeg_pad_column(column, rows, (ptrdiff_t)(first * x_width));
                                }
                            }
                        } else {
                            for (size_t r = 0; r < group_in * kernel[2]; r++) {
                                const size_t c = r / kernel[2], k = r % kernel[2];
                                edgeeeg_fill_columns(part + (c * lines * kernel[2] + k) * x_width, pitch, run,
                                                     seen + c * in[0] * in[1] * in[2] * x_width, x_width,
                                                     edgeeeg_at(window, 2, t2, k), window->stride[2], size);
                            }
                        }
                        part += kernel[2] * x_width;
                    }
                }
            }
            for (size_t o = 0; o < group_out; o++) {
                const size_t channel = g % channels->groups * group_out + o;
                const edgeeeg_filter filter = {taps + channel * pitch, pitch, bias ? bias[channel] : 0,
                                               multiplier[channel]};
                edgeeeg_filter_dots(of, filter, y, (g * group_out + o) * plane + from, y_width);
            }
        }
    }
}

EDGEEEG_INLINE void edgeeeg_across_helium(const void *x, size_t x_width, const int8_t *weight,
                                          const int32_t *bias, const float *multiplier, void *y,
                                          size_t y_width, const edgeeeg_channels *channels, size_t lines,
                                          size_t length) {
    const size_t group_out = channels->c_out / channels->groups;
    for (size_t g = 0; g < channels->batch * channels->groups; g++) {
        const void *top = edgeeeg_element(x, g * lines * length, x_width);
        const edgeeeg_windows of = {top, x_width, 1, lines, length, 1, length};
        for (size_t o = 0; o < group_out; o++) {
            const size_t channel = g % channels->groups * group_out + o;
            const edgeeeg_filter filter = {weight + channel * lines, 1, bias ? bias[channel] : 0,
                                           multiplier[channel]};
            edgeeeg_filter_along(of, filter, y, (g * group_out + o) * length, y_width);
        }
    }
}

/* sums[r] += sum_i x[i] weight[r][i], four rows */
EDGEEEG_INLINE void edgeeeg_dot4_family(const void *x, size_t x_width, const int8_t *weight, size_t pitch,
                                        size_t k, int32_t sums[4]) {
    edgeeeg_dot4(x, x_width, weight, 1, pitch, k, sums);
}

#define edgeeeg_dense_family   edgeeeg_dense_helium
#define edgeeeg_tiles_family   edgeeeg_tiles_plain
#define edgeeeg_slide_family   edgeeeg_slide_helium
#define edgeeeg_columns_family edgeeeg_columns_helium
#define edgeeeg_across_family  edgeeeg_across_helium

#endif
