/* Integer layers with weights: int8 or int16 operands, int32 sums, requantized on the way out. Sums are
 * exact, so their order is free: each kernel has a plain form here, and may have one of a family that
 * replaces it. No sum overflows; bias may be 0. */
#ifndef EDGEEEG_QUANTIZED_LAYERS_H
#define EDGEEEG_QUANTIZED_LAYERS_H

#include <stddef.h>
#include <stdint.h>

#include "edgeeeg_core.h"
#include "edgeeeg_quantized.h"
#include "edgeeeg_window.h"

/* What a convolution is made of, beside its window */
typedef struct {
    size_t batch;
    size_t c_in;
    size_t c_out;
    size_t groups;
} edgeeeg_channels;

/* y[r][o] = multiplier[o] (bias[o] + sum_k x[r][k] weight[o][k]) */
EDGEEEG_INLINE void edgeeeg_dense_plain(const void *x, size_t x_width, const int8_t *weight,
                                        const int32_t *bias, const float *multiplier, void *y, size_t y_width,
                                        size_t rows, size_t k, size_t n) {
    for (size_t r = 0; r < rows; r++) {
        for (size_t o = 0; o < n; o++) {
            int32_t sum = bias ? bias[o] : 0;
            for (size_t i = 0; i < k; i++) {
                sum += edgeeeg_load(x, r * k + i, x_width) * weight[o * k + i];
            }
            edgeeeg_store(y, r * n + o, (float)sum * multiplier[o], y_width);
        }
    }
}

/* The same from weights in tiles of four rows and four columns, row by row, with zeros to multiples of four;
 * scratch holds a row of x, widened */
EDGEEEG_INLINE void edgeeeg_tiles_plain(const void *x, size_t x_width, const int8_t *tiles,
                                        const int32_t *bias, const float *multiplier, void *y, size_t y_width,
                                        size_t rows, size_t k, size_t n, int16_t *scratch) {
    const size_t wide = (k + 3) & ~(size_t)3;
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < wide; i++) {
            scratch[i] = i < k ? (int16_t)edgeeeg_load(x, r * k + i, x_width) : 0;
        }
        for (size_t o = 0; o < n; o++) {
            const int8_t *tile = tiles + (o & ~(size_t)3) * wide + (o & 3) * 4;
            int32_t sum = bias ? bias[o] : 0;
            for (size_t i = 0; i < wide; i++) {
                sum += (int32_t)scratch[i] * tile[(i & ~(size_t)3) * 4 + (i & 3)];
            }
            edgeeeg_store(y, r * n + o, (float)sum * multiplier[o], y_width);
        }
    }
}

/* y[n][o][t] = multiplier[o] (bias[o] + sum_c sum_k weight[o][c][k] x[n][group c][t stride + k dilation -
 * before]); padding is 0 */
EDGEEEG_INLINE void edgeeeg_window_plain(const void *x, size_t x_width, const int8_t *weight,
                                         const int32_t *bias, const float *multiplier, void *y,
                                         size_t y_width, const edgeeeg_window *window,
                                         const edgeeeg_channels *channels) {
    size_t made = 0;
    const size_t *in = window->in;
    const size_t *kernel = window->kernel;
    const size_t group_in = channels->c_in / channels->groups;
    const size_t group_out = channels->c_out / channels->groups;
    for (size_t n = 0; n < channels->batch; n++) {
        for (size_t o = 0; o < channels->c_out; o++) {
            const size_t first = (n * channels->c_in + (o / group_out) * group_in) * in[0] * in[1] * in[2];
            const void *planes = edgeeeg_element(x, first, x_width);
            for (size_t t0 = 0; t0 < window->out[0]; t0++) {
                for (size_t t1 = 0; t1 < window->out[1]; t1++) {
                    for (size_t t2 = 0; t2 < window->out[2]; t2++) {
                        const int8_t *tap = weight + o * group_in * kernel[0] * kernel[1] * kernel[2];
                        int32_t sum = bias ? bias[o] : 0;
                        for (size_t c = 0; c < group_in; c++) {
                            for (size_t k0 = 0; k0 < kernel[0]; k0++) {
                                const size_t i0 = edgeeeg_at(window, 0, t0, k0);
                                for (size_t k1 = 0; k1 < kernel[1]; k1++) {
                                    const size_t i1 = edgeeeg_at(window, 1, t1, k1);
                                    const int outside = i0 >= in[0] || i1 >= in[1];
                                    for (size_t k2 = 0; k2 < kernel[2]; k2++) {
                                        const size_t i2 = edgeeeg_at(window, 2, t2, k2);
                                        if (!outside && i2 < in[2]) {
                                            const size_t at = ((c * in[0] + i0) * in[1] + i1) * in[2] + i2;
                                            sum += (int32_t)*tap * edgeeeg_load(planes, at, x_width);
                                        }
                                        tap++;
                                    }
                                }
                            }
                        }
                        edgeeeg_store(y, made++, (float)sum * multiplier[o], y_width);
                    }
                }
            }
        }
    }
}

/* The same for windows without dilation along the last axis, from rows that are padded and widened first:
 * `taps` [o][row][kernel, to a multiple of 4]; scratch holds the rows of `block` outputs, and one row has
 * edgeeeg_slide_pitch(...) elements, so that four outputs at a time may see past the last one. A row is one
 * line of one channel that a window sees. A block of several times out[2] outputs is one of whole lines, for
 * windows without dilation that see one channel, and at most two axes of it. */
EDGEEEG_INLINE size_t edgeeeg_slide_taps(const edgeeeg_window *window) {
    return (window->kernel[2] + 3) & ~(size_t)3;
}

EDGEEEG_INLINE size_t edgeeeg_slide_pitch(const edgeeeg_window *window, size_t block) {
    const size_t outputs = block < window->out[2] ? block : window->out[2];
    return ((outputs + 3) & ~(size_t)3) * window->stride[2] + edgeeeg_slide_taps(window);
}

EDGEEEG_INLINE void edgeeeg_slide_plain(const void *x, size_t x_width, const edgeeeg_tap *taps,
                                        const int32_t *bias, const float *multiplier, void *y, size_t y_width,
                                        const edgeeeg_window *window, const edgeeeg_channels *channels,
                                        size_t block, int16_t *scratch) {
    const size_t *in = window->in;
    const size_t *out = window->out;
    const size_t *kernel = window->kernel;
    const size_t stride = window->stride[2];
    const size_t group_in = channels->c_in / channels->groups;
    const size_t group_out = channels->c_out / channels->groups;
    const size_t rows = group_in * kernel[0] * kernel[1];
    const size_t row_taps = edgeeeg_slide_taps(window);
    const size_t pitch = edgeeeg_slide_pitch(window, block);
    const size_t plane = out[0] * out[1] * out[2];
    for (size_t g = 0; g < channels->batch * channels->groups; g++) {
        for (size_t line = 0; line < out[0] * out[1]; line++) {
            for (size_t from = 0; from < out[2]; from += block) {
                const size_t made = out[2] - from < block ? out[2] - from : block;
                const size_t first = from * stride - window->before[2];
                int16_t *row = scratch;
                for (size_t c = 0; c < group_in; c++) {
                    for (size_t k0 = 0; k0 < kernel[0]; k0++) {
                        const size_t i0 = edgeeeg_at(window, 0, line / out[1], k0);
                        for (size_t k1 = 0; k1 < kernel[1]; k1++) {
                            const size_t i1 = edgeeeg_at(window, 1, line % out[1], k1);
                            const int outside = i0 >= in[0] || i1 >= in[1];
                            const size_t at = (((g * group_in + c) * in[0] + i0) * in[1] + i1) * in[2];
                            for (size_t i = 0; i < pitch; i++) {
                                row[i] = outside || first + i >= in[2]
                                             ? 0
                                             : (int16_t)edgeeeg_load(x, at + first + i, x_width);
                            }
                            row += pitch;
                        }
                    }
                }
                for (size_t o = 0; o < group_out; o++) {
                    const size_t channel = g % channels->groups * group_out + o;
                    const size_t to = (g * group_out + o) * plane + line * out[2] + from;
                    for (size_t t = 0; t < made; t++) {
                        int32_t sum = bias ? bias[channel] : 0;
                        for (size_t r = 0; r < rows; r++) {
                            const edgeeeg_tap *tap = taps + (channel * rows + r) * row_taps;
                            const int16_t *seen = scratch + r * pitch + t * stride;
                            for (size_t k = 0; k < row_taps; k++) {
                                sum += (int32_t)tap[k] * seen[k];
                            }
                        }
                        edgeeeg_store(y, to + t, (float)sum * multiplier[channel], y_width);
                    }
                }
            }
        }
    }
}

/* The same for any window, from columns of what each output sees, widened and padded first: `taps`
 * [o][channel and tap, to a multiple of 4]; scratch holds `block` columns */
EDGEEEG_INLINE void edgeeeg_columns_plain(const void *x, size_t x_width, const edgeeeg_tap *taps,
                                          const int32_t *bias, const float *multiplier, void *y,
                                          size_t y_width, const edgeeeg_window *window,
                                          const edgeeeg_channels *channels, size_t block, int16_t *scratch) {
    const size_t *in = window->in;
    const size_t *out = window->out;
    const size_t *kernel = window->kernel;
    const size_t group_in = channels->c_in / channels->groups;
    const size_t group_out = channels->c_out / channels->groups;
    const size_t seen = group_in * kernel[0] * kernel[1] * kernel[2];
    const size_t pitch = (seen + 3) & ~(size_t)3;
    const size_t plane = out[0] * out[1] * out[2];
    for (size_t g = 0; g < channels->batch * channels->groups; g++) {
        for (size_t from = 0; from < plane; from += block) {
            const size_t made = plane - from < block ? plane - from : block;
            for (size_t p = 0; p < made; p++) {
                int16_t *column = scratch + p * pitch;
                const size_t t2 = (from + p) % out[2];
                const size_t t1 = (from + p) / out[2] % out[1];
                const size_t t0 = (from + p) / out[2] / out[1];
                size_t filled = 0;
                for (size_t c = 0; c < group_in; c++) {
                    for (size_t k0 = 0; k0 < kernel[0]; k0++) {
                        const size_t i0 = edgeeeg_at(window, 0, t0, k0);
                        for (size_t k1 = 0; k1 < kernel[1]; k1++) {
                            const size_t i1 = edgeeeg_at(window, 1, t1, k1);
                            const int outside = i0 >= in[0] || i1 >= in[1];
                            for (size_t k2 = 0; k2 < kernel[2]; k2++) {
                                const size_t i2 = edgeeeg_at(window, 2, t2, k2);
                                const size_t at = (((g * group_in + c) * in[0] + i0) * in[1] + i1) * in[2];
                                column[filled++] =
                                    outside || i2 >= in[2] ? 0 : (int16_t)edgeeeg_load(x, at + i2, x_width);
                            }
                        }
                    }
                }
                for (size_t i = seen; i < pitch; i++) {
                    column[i] = 0;
                }
            }
            for (size_t o = 0; o < group_out; o++) {
                const size_t channel = g % channels->groups * group_out + o;
                for (size_t p = 0; p < made; p++) {
                    int32_t sum = bias ? bias[channel] : 0;
                    for (size_t k = 0; k < pitch; k++) {
                        sum += (int32_t)taps[channel * pitch + k] * scratch[p * pitch + k];
                    }
                    edgeeeg_store(y, (g * group_out + o) * plane + from + p, (float)sum * multiplier[channel],
                                  y_width);
                }
            }
        }
    }
}

/* The same for windows of one element along the last axis, with stride 1, no padding and one output on the
 * other axes: sums over lines, element by element */
EDGEEEG_INLINE void edgeeeg_across_plain(const void *x, size_t x_width, const int8_t *weight,
                                         const int32_t *bias, const float *multiplier, void *y,
                                         size_t y_width, const edgeeeg_channels *channels, size_t lines,
                                         size_t length) {
    const size_t group_out = channels->c_out / channels->groups;
    for (size_t g = 0; g < channels->batch * channels->groups; g++) {
        for (size_t o = 0; o < group_out; o++) {
            const size_t channel = g % channels->groups * group_out + o;
            for (size_t t = 0; t < length; t++) {
                int32_t sum = bias ? bias[channel] : 0;
                for (size_t r = 0; r < lines; r++) {
                    sum += (int32_t)weight[channel * lines + r] *
                           edgeeeg_load(x, (g * lines + r) * length + t, x_width);
                }
                edgeeeg_store(y, (g * group_out + o) * length + t, (float)sum * multiplier[channel], y_width);
            }
        }
    }
}

#if defined(EDGEEEG_HELIUM)
#include "edgeeeg_helium.h"
#elif defined(EDGEEEG_DSP)
#include "edgeeeg_dsp.h"
#else
#define edgeeeg_dense_family   edgeeeg_dense_plain
#define edgeeeg_tiles_family   edgeeeg_tiles_plain
#define edgeeeg_slide_family   edgeeeg_slide_plain
#define edgeeeg_columns_family edgeeeg_columns_plain
#define edgeeeg_across_family  edgeeeg_across_plain
#endif

/* one function for each pair of widths, whichever layers share it */
#define EDGEEEG_WEIGHTED(of_x, of_y, x_t, y_t)                                                               \
    static inline void edgeeeg_dense_##of_x##_##of_y(const x_t *x, const int8_t *weight,                     \
                                                     const int32_t *bias, const float *multiplier, y_t *y,   \
                                                     size_t rows, size_t k, size_t n) {                      \
        edgeeeg_dense_family(x, sizeof *x, weight, bias, multiplier, y, sizeof *y, rows, k, n);              \
    }                                                                                                        \
    static inline void edgeeeg_tiles_##of_x##_##of_y(const x_t *x, const int8_t *tiles, const int32_t *bias, \
                                                     const float *multiplier, y_t *y, size_t rows, size_t k, \
                                                     size_t n, void *scratch) {                              \
        edgeeeg_tiles_family(x, sizeof *x, tiles, bias, multiplier, y, sizeof *y, rows, k, n, scratch);      \
    }                                                                                                        \
    static inline void edgeeeg_window_##of_x##_##of_y(                                                       \
        const x_t *x, const int8_t *weight, const int32_t *bias, const float *multiplier, y_t *y,            \
        const edgeeeg_window *window, const edgeeeg_channels *channels) {                                    \
        edgeeeg_window_plain(x, sizeof *x, weight, bias, multiplier, y, sizeof *y, window, channels);        \
    }                                                                                                        \
    static inline void edgeeeg_slide_##of_x##_##of_y(                                                        \
        const x_t *x, const edgeeeg_tap *taps, const int32_t *bias, const float *multiplier, y_t *y,         \
        const edgeeeg_window *window, const edgeeeg_channels *channels, size_t block, void *scratch) {       \
        edgeeeg_slide_family(x, sizeof *x, taps, bias, multiplier, y, sizeof *y, window, channels, block,    \
                             scratch);                                                                       \
    }                                                                                                        \
    static inline void edgeeeg_columns_##of_x##_##of_y(                                                      \
        const x_t *x, const edgeeeg_tap *taps, const int32_t *bias, const float *multiplier, y_t *y,         \
        const edgeeeg_window *window, const edgeeeg_channels *channels, size_t block, void *scratch) {       \
        edgeeeg_columns_family(x, sizeof *x, taps, bias, multiplier, y, sizeof *y, window, channels, block,  \
                               scratch);                                                                     \
    }                                                                                                        \
    static inline void edgeeeg_across_##of_x##_##of_y(                                                       \
        const x_t *x, const int8_t *weight, const int32_t *bias, const float *multiplier, y_t *y,            \
        const edgeeeg_channels *channels, size_t lines, size_t length) {                                     \
        edgeeeg_across_family(x, sizeof *x, weight, bias, multiplier, y, sizeof *y, channels, lines,         \
                              length);                                                                       \
    }

EDGEEEG_WEIGHTED(int8, int8, int8_t, int8_t)
EDGEEEG_WEIGHTED(int8, int16, int8_t, edgeeeg_int16)
EDGEEEG_WEIGHTED(int16, int8, edgeeeg_int16, int8_t)
EDGEEEG_WEIGHTED(int16, int16, edgeeeg_int16, edgeeeg_int16)

#endif
