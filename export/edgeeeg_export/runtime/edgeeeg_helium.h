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

/* y[at + t] = multiplier (bias + sum over window t), four dot products at a time */
EDGEEEG_INLINE void edgeeeg_filter_dots(edgeeeg_windows of, edgeeeg_filter filter, void *y, size_t at,
                                        size_t y_width) {
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
EDGEEEG_INLINE void edgeeeg_fill(uint8_t *row, ptrdiff_t count, const uint8_t *line, ptrdiff_t from,
                                 ptrdiff_t size) {
    const ptrdiff_t end = size - from < count ? size - from : count;
    ptrdiff_t i = 0;
    for (; i < count && i < -from; i += 16) {
        vstrbq_p_u8(row + i, vdupq_n_u8(0), vctp8q((uint32_t)(count - i)));
    }
    i = from < 0 ? -from : 0;
    for (; i < end; i += 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)(end - i));
        vstrbq_p_u8(row + i, vldrbq_z_u8(line + from + i, lanes), lanes);
    }
    for (i = end > 0 ? end : 0; i < count; i += 16) {
        vstrbq_p_u8(row + i, vdupq_n_u8(0), vctp8q((uint32_t)(count - i)));
    }
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
                    for (size_t r = 0; r < of.rows; r++) {
                        const size_t i0 = edgeeeg_at(window, 0, line / out[1], r % lines / kernel[1]);
                        const size_t i1 = edgeeeg_at(window, 1, line % out[1], r % kernel[1]);
                        const int outside = i0 >= in[0] || i1 >= in[1];
                        const size_t at = (((g * group_in + r / lines) * in[0] + i0) * in[1] + i1) * in[2];
                        edgeeeg_fill(row, (ptrdiff_t)(span * x_width), edgeeeg_element(x, outside ? 0 : at, x_width),
                                     (ptrdiff_t)(first * x_width), outside ? 0 : (ptrdiff_t)(in[2] * x_width));
                        row += pitch * x_width;
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

/* Tap k of `count` outputs of one line, from output `from` on, into columns `pitch` elements apart */
EDGEEEG_INLINE void edgeeeg_fill_columns(void *column, size_t pitch, const void *line, size_t width, size_t count,
                                         size_t first, size_t stride, size_t size) {
    const uint32x4_t steps = vidupq_n_u32(0, 1);
    const uint32x4_t to = vmulq_n_u32(steps, pitch);
    uint32x4_t from = vaddq_n_u32(vmulq_n_u32(steps, stride), first);
    for (size_t p = 0; p < count; p += 4) {
        const mve_pred16_t lanes = vctp32q(count - p);
        /* in front of the line places wrap, so that one comparison finds all that is padding */
        const mve_pred16_t inside = vcmpcsq_m_u32(vdupq_n_u32(size - 1), from, lanes);
        const int32x4_t values = edgeeeg_gather4(line, width, from, inside);
        void *place = (uint8_t *)column + p * pitch * width;
        if (width == 1) {
            vstrbq_scatter_offset_p_s32(place, to, values, lanes);
        } else {
            vstrhq_scatter_shifted_offset_p_s32(place, to, values, lanes);
        }
        from = vaddq_n_u32(from, 4 * stride);
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
    for (size_t g = 0; g < channels->batch * channels->groups; g++) {
        for (size_t from = 0; from < plane; from += block) {
            of.made = plane - from < block ? plane - from : block;
            for (size_t p = 0, run; p < of.made; p += run) { /* outputs of one line */
                const size_t line = (from + p) / out[2];
                const size_t t2 = (from + p) % out[2];
                run = out[2] - t2 < of.made - p ? out[2] - t2 : of.made - p;
                for (size_t r = 0; r < group_in * lines; r++) {
                    const size_t i0 = edgeeeg_at(window, 0, line / out[1], r % lines / kernel[1]);
                    const size_t i1 = edgeeeg_at(window, 1, line % out[1], r % kernel[1]);
                    const int outside = i0 >= in[0] || i1 >= in[1];
                    const size_t at = (((g * group_in + r / lines) * in[0] + i0) * in[1] + i1) * in[2];
                    for (size_t k = 0; k < kernel[2]; k++) {
                        uint8_t *column = (uint8_t *)scratch + (p * pitch + r * kernel[2] + k) * x_width;
                        edgeeeg_fill_columns(column, pitch, edgeeeg_element(x, outside ? 0 : at, x_width), x_width,
                                             run, outside ? in[2] : edgeeeg_at(window, 2, t2, k),
                                             outside ? 0 : window->stride[2], in[2]);
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
#define edgeeeg_slide_family   edgeeeg_slide_helium
#define edgeeeg_columns_family edgeeeg_columns_helium
#define edgeeeg_across_family  edgeeeg_across_helium

#endif
