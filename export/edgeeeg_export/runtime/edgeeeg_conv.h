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

/* Values of a row, padding included, that a tile at the edge of x reads at once; they lie on the stack. */
#define EDGEEEG_SEGMENT (EDGEEEG_LANES < 4 ? 32u : 8u * EDGEEEG_LANES)

/* What a tile of outputs reads: x of the channels of its group up to the end of x, the first output's taps,
 * where its first tap lies on each axis of x (in front of x it wraps to a huge number), how many of its lanes
 * are outputs, and how far its four registers lie apart in taps and in x, constants of each call. */
typedef struct {
    const float *planes;
    const float *end;
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

/* `count` values and more from place `at` of a row on; 0 outside of it */
static inline void edgeeeg_read_segment(const float *row, size_t extent, size_t at, size_t count,
                                        float *segment) {
    for (size_t s = 0; s < count; s += EDGEEEG_LANES, at += EDGEEEG_LANES) {
        edgeeeg_lanes values = edgeeeg_lanes_all(0.0f);
        if (at < extent && at + EDGEEEG_LANES <= extent) {
            values = edgeeeg_lanes_load(row + at);
        } else if (EDGEEEG_LANES > 1 && (at < extent || (size_t)0 - at < EDGEEEG_LANES)) {
            values = edgeeeg_read_checked(row, extent, at, 1, EDGEEEG_LANES);
        }
        edgeeeg_lanes_store(segment + s, values);
    }
}

/* Registers of sums that run side by side; where a call says that there are not `four`, only the first counts
 */
typedef struct {
    edgeeeg_lanes s0;
    edgeeeg_lanes s1;
    edgeeeg_lanes s2;
    edgeeeg_lanes s3;
} edgeeeg_sums;

/* Adds the products of a row's taps; registers lie w apart in taps and x in the row */
EDGEEEG_INLINE edgeeeg_sums edgeeeg_conv_taps(edgeeeg_sums sums, const float *from, const float *tap,
                                              size_t count, size_t dilation, size_t w, size_t x, int four) {
    for (size_t k = 0; k < count; k++, tap++, from += dilation) {
        sums.s0 += tap[0] * edgeeeg_lanes_load(from);
        if (four) {
            sums.s1 += tap[w] * edgeeeg_lanes_load(from + x);
            sums.s2 += tap[2 * w] * edgeeeg_lanes_load(from + 2 * x);
            sums.s3 += tap[3 * w] * edgeeeg_lanes_load(from + 3 * x);
        }
    }
    return sums;
}

/* The same where the whole row is padding */
EDGEEEG_INLINE edgeeeg_sums edgeeeg_conv_padding(edgeeeg_sums sums, const float *tap, size_t count, size_t w,
                                                 int four) {
    for (size_t k = 0; k < count; k++, tap++) {
        sums.s0 += tap[0] * 0.0f;
        if (four) {
            sums.s1 += tap[w] * 0.0f;
            sums.s2 += tap[2 * w] * 0.0f;
            sums.s3 += tap[3 * w] * 0.0f;
        }
    }
    return sums;
}

/* Adds the products of a tile */
EDGEEEG_INLINE edgeeeg_sums edgeeeg_conv_tile(edgeeeg_sums sums, const edgeeeg_tile *tile,
                                              const edgeeeg_window *window, int four) {
    const size_t *in = window->in;
    const size_t *kernel = window->kernel;
    const size_t stride = window->stride[2];
    const size_t dilation = window->dilation[2];
    const size_t first = tile->corner[2];
    const size_t w = tile->tap_step;
    const size_t x = tile->x_step;
    const size_t taps_reach = (kernel[2] - 1) * dilation;
    const size_t apart = four ? 3 * x : 0;
    const int neighbours = EDGEEEG_LANES == 1 || stride == 1; /* what a register reads lies side by side */
    const int inside = neighbours && first < in[2] && first + taps_reach + apart + (tile->lanes - 1) < in[2];
    const float *tap = tile->taps;
    for (size_t c = 0; c < tile->channels; c++) {
        for (size_t k0 = 0; k0 < kernel[0]; k0++) {
            const size_t i0 = tile->corner[0] + k0 * window->dilation[0];
            for (size_t k1 = 0; k1 < kernel[1]; k1++, tap += kernel[2]) {
                const size_t i1 = tile->corner[1] + k1 * window->dilation[1];
                if (i0 >= in[0] || i1 >= in[1]) {
                    sums = edgeeeg_conv_padding(sums, tap, kernel[2], w, four);
                    continue;
                }
                const float *row = tile->planes + ((c * in[0] + i0) * in[1] + i1) * in[2];
                /* lanes that are no outputs may read what lies behind the row, but not behind x */
                if (inside && (size_t)(tile->end - row) >= first + taps_reach + apart + EDGEEEG_LANES) {
                    sums = edgeeeg_conv_taps(sums, row + first, tap, kernel[2], dilation, w, x, four);
                } else if (neighbours) {
                    float segment[EDGEEEG_SEGMENT];
                    const size_t most = (EDGEEEG_SEGMENT - EDGEEEG_LANES - apart) / dilation + 1;
                    for (size_t k = 0; k < kernel[2]; k += most) {
                        const size_t count = kernel[2] - k < most ? kernel[2] - k : most;
                        const size_t values = (count - 1) * dilation + apart + EDGEEEG_LANES;
                        edgeeeg_read_segment(row, in[2], first + k * dilation, values, segment);
                        sums = edgeeeg_conv_taps(sums, segment, tap + k, count, dilation, w, x, four);
                    }
                } else { /* lanes that lie apart, which neighbouring registers do not share */
                    for (size_t k = 0; k < kernel[2]; k++) {
                        const edgeeeg_lanes values =
                            edgeeeg_read_checked(row, in[2], first + k * dilation, stride, tile->lanes);
                        sums.s0 += tap[k] * values;
                        if (four) {
                            sums.s1 += tap[k + w] * values;
                            sums.s2 += tap[k + 2 * w] * values;
                            sums.s3 += tap[k + 3 * w] * values;
                        }
                    }
                }
            }
        }
    }
    return sums;
}

static inline void edgeeeg_conv_store(float *y, edgeeeg_lanes values, size_t lanes) {
    if (lanes == EDGEEEG_LANES) {
        edgeeeg_lanes_store(y, values);
    } else {
        edgeeeg_lanes_store_first(y, values, lanes);
    }
}

/* Rows of outputs of one channel, or of four of a group */
EDGEEEG_INLINE void edgeeeg_conv_channels(edgeeeg_tile tile, const float *bias, float *y,
                                          const edgeeeg_window *window, int four) {
    const size_t frames = window->out[2];
    const size_t plane = window->out[0] * window->out[1] * frames;
    /* of one channel, four registers of neighbours where a segment has room for them */
    const size_t step = EDGEEEG_LANES * window->stride[2];
    const int wide = !four && (EDGEEEG_LANES == 1 || window->stride[2] == 1) &&
                     3 * step + EDGEEEG_LANES <= EDGEEEG_SEGMENT;
    tile.lanes = frames < EDGEEEG_LANES ? frames : EDGEEEG_LANES;
    for (size_t row = 0; row < window->out[0] * window->out[1]; row++) {
        tile.corner[0] = edgeeeg_at(window, 0, row / window->out[1], 0);
        tile.corner[1] = edgeeeg_at(window, 1, row % window->out[1], 0);
        for (size_t t = 0; t < frames;) {
            /* some outputs of a whole register again, rather than a register of which lanes stay idle */
            const int last = frames - t < EDGEEEG_LANES && frames >= EDGEEEG_LANES;
            const size_t start = last ? frames - EDGEEEG_LANES : t;
            const int neighbours = wide && frames - t >= 4 * EDGEEEG_LANES;
            edgeeeg_sums sums = {
                edgeeeg_lanes_all(bias ? bias[0] : 0.0f),
                edgeeeg_lanes_all(bias ? bias[four ? 1 : 0] : 0.0f),
                edgeeeg_lanes_all(bias ? bias[four ? 2 : 0] : 0.0f),
                edgeeeg_lanes_all(bias ? bias[four ? 3 : 0] : 0.0f),
            };
            tile.corner[2] = edgeeeg_at(window, 2, start, 0);
            if (four) {
                tile.x_step = 0;
                sums = edgeeeg_conv_tile(sums, &tile, window, 1);
            } else if (neighbours) {
                edgeeeg_tile four_registers = tile;
                four_registers.tap_step = 0;
                four_registers.x_step = step;
                sums = edgeeeg_conv_tile(sums, &four_registers, window, 1);
            } else {
                sums = edgeeeg_conv_tile(sums, &tile, window, 0);
            }
            float *out = y + row * frames + start;
            const size_t apart = four ? plane : EDGEEEG_LANES;
            edgeeeg_conv_store(out, sums.s0, tile.lanes);
            if (four || neighbours) {
                edgeeeg_conv_store(out + apart, sums.s1, tile.lanes);
                edgeeeg_conv_store(out + 2 * apart, sums.s2, tile.lanes);
                edgeeeg_conv_store(out + 3 * apart, sums.s3, tile.lanes);
            }
            t = start + (neighbours ? 4 : 1) * EDGEEEG_LANES;
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
        const size_t first = n % groups * group_out;
        const float *own = weight + first * taps;
        for (size_t o = 0; o < group_out;) {
            const edgeeeg_tile tile = {
                x + n * in, x + batch * groups * in, own + o * taps, {0, 0, 0}, group_in, 0, taps, 0};
            const float *offset = bias ? bias + first + o : 0;
            float *result = y + (n * group_out + o) * out;
            if (o < fours) {
                edgeeeg_conv_channels(tile, offset, result, window, 1);
                o += 4;
            } else {
                edgeeeg_conv_channels(tile, offset, result, window, 0);
                o++;
            }
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
            const float *start = bias ? bias + g * group_out : 0;
            if (group_out == 1) {
                *y = edgeeeg_accumulate_one(start ? *start : 0.0f, x, 1, weight, taps);
            } else {
                edgeeeg_accumulate(start, x, weight, y, group_out, taps);
            }
            x += taps;
            weight += group_out * taps;
            y += group_out;
        }
        return;
    }
    const edgeeeg_window window = {{1, 1, t_in},     {1, 1, t_out}, {1, 1, kernel}, {1, 1, stride},
                                   {1, 1, dilation}, {0, 0, 0},     {0, 0, 0}};
    edgeeeg_conv(x, weight, bias, y, &window, 1, c_in, c_out, groups);
}

#endif
