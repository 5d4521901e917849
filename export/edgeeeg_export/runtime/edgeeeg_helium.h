/* Kernels of edgeeeg_quantized_layers.h with Helium, the vectors of Cortex-M55 and Cortex-M85. */
#ifndef EDGEEEG_HELIUM_H
#define EDGEEEG_HELIUM_H

#include "edgeeeg_helium_window.h"

EDGEEEG_INLINE void edgeeeg_dense_helium(const void *x, size_t x_width, const int8_t *weight,
                                         const int32_t *bias, const float *multiplier, void *y,
                                         size_t y_width, size_t rows, size_t k, size_t n) {
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
            edgeeeg_store4(y, r * n + o, y_width, edgeeeg_times(total, each), lanes);
        }
    }
}

EDGEEEG_INLINE void edgeeeg_across_helium(const void *x, size_t x_width, const int8_t *weight,
                                          const int32_t *bias, const float *multiplier, void *y,
                                          size_t y_width, const edgeeeg_channels *channels, size_t lines,
                                          size_t length) {
    const size_t group_out = channels->c_out / channels->groups;
    for (size_t g = 0; g < channels->batch * channels->groups; g++) {
        const size_t first_out = g % channels->groups * group_out;
        const void *top = edgeeeg_element(x, g * lines * length, x_width);
        const edgeeeg_windows of = {top, x_width, 1, 1, 0, lines, length, length};
        for (size_t o = 0; o < group_out; o++) {
            const size_t channel = first_out + o;
            const edgeeeg_filter filter = {weight + channel * lines, lines, bias ? bias[channel] : 0,
                                           multiplier[channel]};
            edgeeeg_filter_along(of, filter, y, (g * group_out + o) * length, y_width);
        }
    }
}

#define edgeeeg_dense_family   edgeeeg_dense_helium
#define edgeeeg_tiles_family   edgeeeg_tiles_plain
#define edgeeeg_slide_family   edgeeeg_slide_helium
#define edgeeeg_columns_family edgeeeg_columns_helium
#define edgeeeg_across_family  edgeeeg_across_helium

#endif
