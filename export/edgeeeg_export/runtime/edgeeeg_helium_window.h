/* Convolutions with Helium, from rows or columns that stay as wide as their input is. */
#ifndef EDGEEEG_HELIUM_WINDOW_H
#define EDGEEEG_HELIUM_WINDOW_H

#include "edgeeeg_helium_filter.h"
#include "edgeeeg_window.h"

#define EDGEEEG_FEW_TAPS 6 /* along a row, from which on dot products take fewer instructions */

/* Rows to copy from lines of `size` bytes that are `pitch` bytes apart: `bytes` of each, to places `apart` */
typedef struct {
    const uint8_t *lines;
    size_t rows;
    size_t pitch;
    size_t size;
    size_t bytes;
    size_t apart;
} edgeeeg_rows;

/* Rows from place `first` of their lines on, with 0 for what is in front of a line and behind it */
EDGEEEG_INLINE void edgeeeg_fill_rows(uint8_t *row, edgeeeg_rows of, ptrdiff_t first) {
    const ptrdiff_t bytes = (ptrdiff_t)of.bytes;
    const ptrdiff_t rest = (ptrdiff_t)of.size - first;
    const ptrdiff_t start = first >= 0 ? 0 : -first < bytes ? -first : bytes;
    const ptrdiff_t end = rest < start ? start : rest < bytes ? rest : bytes;
    const uint8_t *seen = of.lines + (first + start), *from;
    uint8_t *to;
    __asm volatile(
        "vmov.i32 q1, #0\n"
        "1:\tmov %[to], %[row]\n"
        "\twlstp.8 lr, %[start], 3f\n"
        "2:\tvstrb.8 q1, [%[to]], #16\n"
        "\tletp lr, 2b\n"
        "3:\tadd %[to], %[row], %[end]\n"
        "\twlstp.8 lr, %[behind], 5f\n"
        "4:\tvstrb.8 q1, [%[to]], #16\n"
        "\tletp lr, 4b\n"
        "5:\tadd %[to], %[row], %[start]\n"
        "\tmov %[from], %[seen]\n"
        "\twlstp.8 lr, %[inside], 7f\n"
        "6:\tvldrb.u8 q0, [%[from]], #16\n"
        "\tvstrb.8 q0, [%[to]], #16\n"
        "\tletp lr, 6b\n"
        "7:\tadd %[row], %[row], %[apart]\n"
        "\tadd %[seen], %[seen], %[pitch]\n"
        "\tsubs %[rows], %[rows], #1\n"
        "\tbne 1b"
        : [row] "+&r"(row), [seen] "+&r"(seen), [rows] "+&r"(of.rows), [from] "=&r"(from), [to] "=&r"(to)
        : [start] "r"(start), [end] "r"(end), [behind] "r"(bytes - end), [inside] "r"(end - start),
          [apart] "r"(of.apart), [pitch] "r"(of.pitch)
        : "lr", "cc", "q0", "q1", "memory");
}

EDGEEEG_INLINE void edgeeeg_slide_helium(const void *x, size_t x_width, const edgeeeg_tap *taps,
                                         const int32_t *bias, const float *multiplier, void *y,
                                         size_t y_width, const edgeeeg_window *window,
                                         const edgeeeg_channels *channels, size_t block, void *scratch) {
    const size_t *in = window->in;
    const size_t *out = window->out;
    const size_t *kernel = window->kernel;
    const size_t group_in = channels->c_in / channels->groups;
    const size_t group_out = channels->c_out / channels->groups;
    const size_t lines = kernel[0] * kernel[1];
    const size_t even = edgeeeg_slide_taps(window);
    const size_t pitch = edgeeeg_slide_pitch(window, block);
    /* rows of int8 leave half of scratch to those of the next lines of outputs, which see some of the same */
    const int shared = x_width == 1 && lines > 1 && group_in * lines == kernel[1] && window->dilation[1] == 1;
    const size_t most = shared ? kernel[1] / window->stride[1] + 1 : 1;
    edgeeeg_windows of = {scratch, x_width, window->stride[2], group_in * lines, 0, kernel[2], 1, 0};
    for (size_t g = 0; g < channels->batch * channels->groups; g++) {
        const size_t first_out = g % channels->groups * group_out;
        for (size_t line = 0, together; line < out[0] * out[1]; line += together) {
            const size_t below = out[1] - line % out[1];
            together = below < most ? below : most;
            const size_t high = kernel[1] + (together - 1) * window->stride[1];
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
                    /* unless it begins in front of the first line, where `left` wraps, or ends behind the
                     * last */
                    const size_t last = left + (high - 1) * window->dilation[1];
                    const int whole = left <= last && last < in[1];
                    uint8_t *row = scratch;
                    of.x = scratch;
                    of.pitch = pitch;
                    for (size_t c = 0; c < group_in; c++) {
                        for (size_t k0 = 0; k0 < kernel[0]; k0++) {
                            const size_t i0 = top + k0 * window->dilation[0];
                            for (size_t k1 = 0, same; k1 < high; k1 += same) {
                                const size_t i1 = left + k1 * window->dilation[1];
                                const int outside = i0 >= in[0] || i1 >= in[1];
                                same = whole ? high : 1;
                                const size_t at = (((g * group_in + c) * in[0] + i0) * in[1] + i1) * in[2];
                                const edgeeeg_rows rows = {edgeeeg_element(x, outside ? 0 : at, x_width),
                                                           same,
                                                           window->dilation[1] * in[2] * x_width,
                                                           outside ? 0 : in[2] * x_width,
                                                           span * x_width,
                                                           pitch * x_width};
                                edgeeeg_fill_rows(row, rows, (ptrdiff_t)(first * x_width));
                                row += same * pitch * x_width;
                            }
                        }
                    }
                }
                for (size_t o = 0; o < group_out; o++) {
                    const size_t channel = first_out + o;
                    const size_t to = ((g * group_out + o) * out[0] * out[1] + line) * out[2] + from;
                    const edgeeeg_filter filter = {taps + channel * of.rows * even, even,
                                                   bias ? bias[channel] : 0, multiplier[channel]};
                    edgeeeg_windows seen = of;
                    for (size_t l = 0; l < together; l++) {
                        if (of.k < EDGEEEG_FEW_TAPS) {
                            edgeeeg_filter_along(seen, filter, y, to + l * out[2], y_width);
                        } else {
                            edgeeeg_filter_dots(seen, filter, y, to + l * out[2], y_width);
                        }
                        seen.x = edgeeeg_element(seen.x, window->stride[1] * pitch, x_width);
                    }
                }
            }
        }
    }
}

#define EDGEEEG_SCATTER(load, store)                                                                        \
    __asm volatile("wlstp.16 lr, %[inside], 2f\n"                                                           \
                   "1:\n\t" load "\n\t" store "\n"                                                          \
                   "\tadd %[seen], %[seen], %[ahead]\n"                                                     \
                   "\tadd %[column], %[column], %[along]\n"                                                 \
                   "\tletp lr, 1b\n"                                                                        \
                   "2:"                                                                                     \
                   : [seen] "+&r"(seen), [column] "+&r"(column)                                             \
                   : [inside] "r"(inside), [from] "w"(from), [to] "w"(to), [ahead] "r"(8 * stride * width), \
                     [along] "r"(8 * pitch * width)                                                         \
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

/* What `count` outputs see of rows, all of it inside: from place `first` on, `step` bytes from output to
 * output, into columns `next` bytes apart */
EDGEEEG_INLINE void edgeeeg_copy_columns(uint8_t *columns, size_t next, size_t count, edgeeeg_rows of,
                                         size_t first, size_t step) {
    for (size_t i = 0; i < of.bytes; i += 16) {
        const uint8_t *seen, *row = of.lines + first + i;
        uint8_t *to, *column = columns + i;
        size_t rows = of.rows;
        __asm volatile(
            "vctp.8 %[left]\n"
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
            : [seen] "=&r"(seen), [to] "=&r"(to), [row] "+&r"(row), [column] "+&r"(column), [rows] "+&r"(rows)
            : [left] "r"(of.bytes - i), [count] "r"(count), [step] "r"(step), [next] "r"(next),
              [pitch] "r"(of.pitch), [apart] "r"(of.apart)
            : "lr", "cc", "p0", "q0", "memory");
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
    edgeeeg_windows of = {scratch, x_width, pitch, 1, 0, seen, 1, 0};
    block *= 2 / x_width; /* columns of int16 have room in scratch */
    for (size_t g = 0; g < channels->batch * channels->groups; g++) {
        const size_t first_out = g % channels->groups * group_out;
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
                                    edgeeeg_copy_columns(column, pitch * x_width, inside, rows,
                                                         first * x_width, window->stride[2] * x_width);
                                } else {
                                    inside = 1;
                                    edgeeeg_fill_rows(column, rows, (ptrdiff_t)(first * x_width));
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
                const size_t channel = first_out + o;
                const edgeeeg_filter filter = {taps + channel * pitch, pitch, bias ? bias[channel] : 0,
                                               multiplier[channel]};
                edgeeeg_filter_dots(of, filter, y, (g * group_out + o) * plane + from, y_width);
            }
        }
    }
}

#endif
