/* Convolutions over one to three axes. Every output sums from its bias on, by input channel and then by tap,
 * row-major; outputs next to each other on the last axis are lanes of one register, and four registers, of
 * four channels or of four neighbours, read what they share once. Padding is multiplied as zero, as the cache
 * of a stream would be. Compile with -ffp-contract=off. */
#ifndef EDGEEEG_CONV_H
#define EDGEEEG_CONV_H

#include <stddef.h>

#include "edgeeeg_dense.h"
#include "edgeeeg_lanes.h"
#include "edgeeeg_window.h"

/* What a tile of outputs reads: x of the channels of its group, the first output's taps, where its first tap
 * lies on each axis of x (in front of x it wraps to a huge number), how many of its lanes are outputs, and
 * how far the four registers lie apart in taps and in x, constants of each call. */
typedef struct {
    const float *planes;
    const float *taps;
    size_t corner[3];
    size_t channels;
    size_t lanes;
    size_t tap_step;
    size_t x_step;
} edgeeeg_tile;

/* Lanes `stride` apart from place `at` of a row on; 0 outside of it */
static inline edgeeeg_lanes edgeeeg_read_checked(const float *row, size_t extent, size_t at, size_t stride,
                                                 size_t lanes) {
    float values[EDGEEEG_LANES] = {0.0f};
    for (size_t j = 0; j < lanes; j++, at += stride) {
        values[j] = at < extent ? row[at] : 0.0f;
    }
    return edgeeeg_lanes_load(values);
}

#if EDGEEEG_LANES > 1
#define EDGEEEG_ROW_ENDS (5 * EDGEEEG_LANES)

/* The first and the last values of a row, each between zeros, for neighbouring lanes that reach over an end
 */
static inline void edgeeeg_row_ends(const float *row, size_t extent, float *ends) {
    const size_t kept = extent < EDGEEEG_LANES ? extent : EDGEEEG_LANES;
    const edgeeeg_lanes none = edgeeeg_lanes_all(0.0f);
    edgeeeg_lanes_store(ends, none);
    edgeeeg_lanes_store(ends + EDGEEEG_LANES, edgeeeg_lanes_load_first(row, kept));
    edgeeeg_lanes_store(ends + 2 * EDGEEEG_LANES, none);
    edgeeeg_lanes_store(ends + 3 * EDGEEEG_LANES,
                        extent > kept ? edgeeeg_lanes_load(row + extent - kept) : none);
    edgeeeg_lanes_store(ends + 4 * EDGEEEG_LANES, none);
}

/* Neighbouring lanes from place `at` of a row on; 0 outside of it */
static inline edgeeeg_lanes edgeeeg_read_over(const float *row, size_t extent, const float *ends, size_t at) {
    if (at < extent) {
        if (at + EDGEEEG_LANES <= extent) {
            return edgeeeg_lanes_load(row + at);
        }
        return edgeeeg_lanes_load(extent > EDGEEEG_LANES ? ends + 4 * EDGEEEG_LANES - (extent - at)
                                                         : ends + EDGEEEG_LANES + at);
    }
    const size_t in_front = (size_t)0 - at; /* by how much a wrapped place lies in front of the row */
    return in_front < EDGEEEG_LANES ? edgeeeg_lanes_load(ends + EDGEEEG_LANES - in_front)
                                    : edgeeeg_lanes_all(0.0f);
}
#endif

/* Adds the products of a tile to sums[0], and to sums[1 … 3] where there are `four` */
EDGEEEG_INLINE void edgeeeg_conv_tile(const edgeeeg_tile *tile, const edgeeeg_window *window,
                                      edgeeeg_lanes *sums, int four) {
    const size_t *in = window->in;
    const size_t *kernel = window->kernel;
    const size_t stride = window->stride[2];
    const size_t dilation = window->dilation[2];
    const size_t first = tile->corner[2];
    const size_t reach =
        (kernel[2] - 1) * dilation + (EDGEEEG_LANES - 1) * stride + (four ? 3 * tile->x_step : 0);
    const int inside = (EDGEEEG_LANES == 1 || (stride == 1 && tile->lanes == EDGEEEG_LANES)) &&
                       first < in[2] && first + reach < in[2];
    const size_t w = tile->tap_step;
    const size_t x = tile->x_step;
    const float *tap = tile->taps;
    edgeeeg_lanes s0 = sums[0];
    edgeeeg_lanes s1 = sums[four ? 1 : 0];
    edgeeeg_lanes s2 = sums[four ? 2 : 0];
    edgeeeg_lanes s3 = sums[four ? 3 : 0];
    for (size_t c = 0; c < tile->channels; c++) {
        for (size_t k0 = 0; k0 < kernel[0]; k0++) {
            const size_t i0 = tile->corner[0] + k0 * window->dilation[0];
            for (size_t k1 = 0; k1 < kernel[1]; k1++) {
                const size_t i1 = tile->corner[1] + k1 * window->dilation[1];
                if (i0 >= in[0] || i1 >= in[1]) {
                    for (size_t k = 0; k < kernel[2]; k++, tap++) {
                        s0 += tap[0] * 0.0f;
                        if (four) {
                            s1 += tap[w] * 0.0f;
                            s2 += tap[2 * w] * 0.0f;
                            s3 += tap[3 * w] * 0.0f;
                        }
                    }
                    continue;
                }
                const float *row = tile->planes + ((c * in[0] + i0) * in[1] + i1) * in[2];
                if (inside) {
                    const float *from = row + first;
                    for (size_t k = 0; k < kernel[2]; k++, tap++, from += dilation) {
                        s0 += tap[0] * edgeeeg_lanes_load(from);
                        if (four) {
                            s1 += tap[w] * edgeeeg_lanes_load(from + x);
                            s2 += tap[2 * w] * edgeeeg_lanes_load(from + 2 * x);
                            s3 += tap[3 * w] * edgeeeg_lanes_load(from + 3 * x);
                        }
                    }
                    continue;
                }
#if EDGEEEG_LANES > 1
                if (stride == 1 && tile->lanes == EDGEEEG_LANES) {
                    float ends[EDGEEEG_ROW_ENDS];
                    edgeeeg_row_ends(row, in[2], ends);
                    for (size_t k = 0; k < kernel[2]; k++, tap++) {
                        const size_t at = first + k * dilation;
                        s0 += tap[0] * edgeeeg_read_over(row, in[2], ends, at);
                        if (four) {
                            s1 += tap[w] * edgeeeg_read_over(row, in[2], ends, at + x);
                            s2 += tap[2 * w] * edgeeeg_read_over(row, in[2], ends, at + 2 * x);
                            s3 += tap[3 * w] * edgeeeg_read_over(row, in[2], ends, at + 3 * x);
                        }
                    }
                    continue;
                }
#endif
                for (size_t k = 0; k < kernel[2]; k++, tap++) {
                    const size_t at = first + k * dilation;
                    s0 += tap[0] * edgeeeg_read_checked(row, in[2], at, stride, tile->lanes);
                    if (four) {
                        s1 += tap[w] * edgeeeg_read_checked(row, in[2], at + x, stride, tile->lanes);
                        s2 += tap[2 * w] * edgeeeg_read_checked(row, in[2], at + 2 * x, stride, tile->lanes);
                        s3 += tap[3 * w] * edgeeeg_read_checked(row, in[2], at + 3 * x, stride, tile->lanes);
                    }
                }
            }
        }
    }
    sums[0] = s0;
    if (four) {
        sums[1] = s1;
        sums[2] = s2;
        sums[3] = s3;
    }
}

/* Rows of outputs of one channel, or of four of a group */
EDGEEEG_INLINE void edgeeeg_conv_channels(const float *planes, const float *taps, const float *bias, float *y,
                                          const edgeeeg_window *window, size_t channels, int four) {
    const size_t taps_each = channels * window->kernel[0] * window->kernel[1] * window->kernel[2];
    const size_t frames = window->out[2];
    const size_t plane = window->out[0] * window->out[1] * frames;
    edgeeeg_tile tile = {planes, taps, {0, 0, 0}, channels, EDGEEEG_LANES, taps_each, 0};
    const size_t wide = four ? EDGEEEG_LANES : 4 * EDGEEEG_LANES;
    for (size_t t0 = 0; t0 < window->out[0]; t0++) {
        tile.corner[0] = edgeeeg_at(window, 0, t0, 0);
        for (size_t t1 = 0; t1 < window->out[1]; t1++) {
            tile.corner[1] = edgeeeg_at(window, 1, t1, 0);
            for (size_t t = 0; t < frames;) {
                edgeeeg_lanes sums[4];
                const size_t left = frames - t;
                /* some outputs of a whole register again, rather than a register of which lanes stay idle */
                const size_t start =
                    left < EDGEEEG_LANES && frames >= EDGEEEG_LANES ? frames - EDGEEEG_LANES : t;
                for (size_t a = 0; a < 4; a++) {
                    sums[a] = edgeeeg_lanes_all(bias ? bias[four ? a : 0] : 0.0f);
                }
                tile.corner[2] = edgeeeg_at(window, 2, start, 0);
                tile.lanes = frames < EDGEEEG_LANES ? frames : EDGEEEG_LANES;
                if (four) {
                    tile.x_step = 0;
                    edgeeeg_conv_tile(&tile, window, sums, 1);
                    t = start + EDGEEEG_LANES;
                } else if (left >= wide) {
                    edgeeeg_tile neighbours = tile;
                    neighbours.tap_step = 0;
                    neighbours.x_step = EDGEEEG_LANES * window->stride[2];
                    edgeeeg_conv_tile(&neighbours, window, sums, 1);
                    t = start + wide;
                } else {
                    edgeeeg_conv_tile(&tile, window, sums, 0);
                    t = start + EDGEEEG_LANES;
                }
                float *out = y + (t0 * window->out[1] + t1) * frames + start;
                for (size_t a = 0; a < (four || left >= wide ? 4u : 1u); a++) {
                    float *to = out + (four ? a * plane : a * EDGEEEG_LANES);
                    if (tile.lanes == EDGEEEG_LANES) {
                        edgeeeg_lanes_store(to, sums[a]);
                    } else {
                        edgeeeg_lanes_store_first(to, sums[a], tile.lanes);
                    }
                }
            }
        }
    }
}

/* y[n][o][t] = bias[o] + sum_c sum_k weight[o][c][k] x[n][group c][t stride + k dilation - before]; bias may
 * be 0 */
static inline void edgeeeg_conv(const float *x, const float *weight, const float *bias, float *y,
                                const edgeeeg_window *window, size_t batch, size_t c_in, size_t c_out,
                                size_t groups) {
    const size_t group_in = c_in / groups;
    const size_t group_out = c_out / groups;
    const size_t taps = group_in * window->kernel[0] * window->kernel[1] * window->kernel[2];
    const size_t in = group_in * window->in[0] * window->in[1] * window->in[2];
    const size_t out = window->out[0] * window->out[1] * window->out[2];
    const size_t fours = group_out - group_out % 4;
    for (size_t n = 0; n < batch * groups; n++) {
        const size_t group = n % groups;
        const float *own = weight + group * group_out * taps;
        const float *offset = bias ? bias + group * group_out : 0;
        for (size_t o = 0; o < fours; o += 4) {
            edgeeeg_conv_channels(x + n * in, own + o * taps, offset ? offset + o : 0,
                                  y + (n * group_out + o) * out, window, group_in, 1);
        }
        for (size_t o = fours; o < group_out; o++) {
            edgeeeg_conv_channels(x + n * in, own + o * taps, offset ? offset + o : 0,
                                  y + (n * group_out + o) * out, window, group_in, 0);
        }
    }
}

/* y[o][t] = bias[o] + sum_c sum_k weight[o][c][k] x[group c][t stride + k dilation]; bias may be 0 */
static inline void edgeeeg_conv1d(const float *x, const float *weight, const float *bias, float *y,
                                  size_t c_in, size_t t_in, size_t c_out, size_t t_out, size_t kernel,
                                  size_t stride, size_t dilation, size_t groups) {
    if (t_in == kernel) { /* a single frame of outputs, which reads all of x */
        const size_t taps = c_in / groups * kernel;
        const size_t group_out = c_out / groups;
        for (size_t g = 0; g < groups; g++) {
            edgeeeg_accumulate(bias ? bias + g * group_out : 0, x + g * taps, weight + g * group_out * taps,
                               y + g * group_out, group_out, taps);
        }
        return;
    }
    const edgeeeg_window window = {{1, 1, t_in},     {1, 1, t_out}, {1, 1, kernel}, {1, 1, stride},
                                   {1, 1, dilation}, {0, 0, 0},     {0, 0, 0}};
    edgeeeg_conv(x, weight, bias, y, &window, 1, c_in, c_out, groups);
}

#endif
