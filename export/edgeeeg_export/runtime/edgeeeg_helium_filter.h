/* Outputs of one filter with Helium: dot products for sums of many products along a row, and for few or none
 * sums along four to sixteen outputs (VMLA). */
#ifndef EDGEEEG_HELIUM_FILTER_H
#define EDGEEEG_HELIUM_FILTER_H

#include "edgeeeg_helium_dot.h"
#include "edgeeeg_quantized.h"

/* What the outputs of one filter see, `made` of them: windows of `rows` rows of k elements, `step` elements
 * from one output to the next, `pitch` from row to row and, of sums along outputs, `apart` from tap to tap */
typedef struct {
    const void *x;
    size_t x_width;
    size_t step;
    size_t rows;
    size_t pitch;
    size_t k;
    size_t apart;
    size_t made;
} edgeeeg_windows;

/* A filter: its taps, `pitch` of them from row to row, and what makes an output of its sums */
typedef struct {
    const int8_t *taps;
    size_t pitch;
    int32_t bias;
    float multiplier;
} edgeeeg_filter;

/* in assembly: vector q of sums becomes four integers at y, which is moved behind them */
#define EDGEEEG_TIMES(q)                        \
    "\t.arch_extension mve.fp\n"                \
    "\tvcvt.f32.s32 " q ", " q "\n"             \
    "\tvmul.f32 " q ", " q ", %q[multiplier]\n" \
    "\tvcvtn.s32.f32 " q ", " q "\n"
#define EDGEEEG_TO_INT8(q)         \
    EDGEEEG_TIMES(q)               \
    "\tvqmovnb.s32 " q ", " q "\n" \
    "\tvqmovnb.s16 " q ", " q "\n" \
    "\tvstrb.32 " q ", [%[y]], #4\n"
#define EDGEEEG_TO_INT16(q)               \
    EDGEEEG_TIMES(q)                      \
    "\tvmin.s32 " q ", " q ", %q[most]\n" \
    "\tvqmovnb.s32 " q ", " q "\n"        \
    "\tvstrh.32 " q ", [%[y]], #8\n"

/* y[t] = multiplier (bias + sum over window t) of `tiles` fours of windows of one row, in one loop: what does
 * not change lies in vectors, for four sums and five pointers leave few registers. */
#define EDGEEEG_DOTS(lanes, load_tap, load_x, narrow)                                              \
    __asm volatile(                                                                                \
        "1:\tvmov %[a], %[w], %e[kept]\n"                                                          \
        "\tdlstp." lanes " lr, %[a]\n"                                                             \
        "\tvmov.32 %[a], %f[kept][1]\n"                                                            \
        "\tmov %[b], %[a]\n"                                                                       \
        "\tmov %[c], %[a]\n"                                                                       \
        "\tmov %[d], %[a]\n"                                                                       \
        "2:\t" load_tap " q0, [%[w]], %[tap_bytes]\n"                                              \
        "\t" load_x " q1, [%[x0]], #16\n"                                                          \
        "\tvmladava.s" lanes " %[a], q0, q1\n"                                                     \
        "\t" load_x " q2, [%[x1]], #16\n"                                                          \
        "\tvmladava.s" lanes " %[b], q0, q2\n"                                                     \
        "\t" load_x " q3, [%[x2]], #16\n"                                                          \
        "\tvmladava.s" lanes " %[c], q0, q3\n"                                                     \
        "\t" load_x " q1, [%[x3]], #16\n"                                                          \
        "\tvmladava.s" lanes " %[d], q0, q1\n"                                                     \
        "\tletp lr, 2b\n"                                                                          \
        "\tvmov q0[2], q0[0], %[a], %[c]\n"                                                        \
        "\tvmov q0[3], q0[1], %[b], %[d]\n" narrow "\tvmov.32 %[w], %f[kept][0]\n"                 \
        "\tadd %[x0], %[x0], %[w]\n"                                                               \
        "\tadd %[x1], %[x1], %[w]\n"                                                               \
        "\tadd %[x2], %[x2], %[w]\n"                                                               \
        "\tadd %[x3], %[x3], %[w]\n"                                                               \
        "\tsubs %[tiles], %[tiles], #1\n"                                                          \
        "\tbne 1b"                                                                                 \
        : [a] "=&Te"(a), [b] "=&Te"(b), [c] "=&Te"(c), [d] "=&Te"(d), [w] "=&l"(w), [x0] "+r"(x0), \
          [x1] "+r"(x1), [x2] "+r"(x2), [x3] "+r"(x3), [y] "+l"(to), [tiles] "+r"(tiles)           \
        : [kept] "w"(kept), [multiplier] "w"(multiplier), [most] "w"(most),                        \
          [tap_bytes] "i"(of.x_width == 1 ? 16 : 8)                                                \
        : "lr", "cc", "q0", "q1", "q2", "q3", "memory")

EDGEEEG_INLINE void edgeeeg_filter_row(edgeeeg_windows of, edgeeeg_filter filter, void *y, size_t at,
                                       size_t y_width) {
    const size_t chunk = of.x_width == 1 ? 16 : 8;
    const size_t onward = (4 * of.step - (of.k + chunk - 1) / chunk * chunk) * of.x_width;
    const int32_t fixed[4] = {(int32_t)of.k, (int32_t)filter.taps, (int32_t)onward, filter.bias};
    const int32x4_t kept = edgeeeg_vector_of(fixed);
    const int32x4_t most = vdupq_n_s32(32639);
    const int32x4_t multiplier = edgeeeg_copies(filter.multiplier);
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
            EDGEEEG_DOTS("8", "vldrb.u8", "vldrb.u8", EDGEEEG_TO_INT8("q0"));
        } else if (of.x_width == 1) {
            EDGEEEG_DOTS("8", "vldrb.u8", "vldrb.u8", EDGEEEG_TO_INT16("q0"));
        } else if (y_width == 1) {
            EDGEEEG_DOTS("16", "vldrb.s16", "vldrh.u16", EDGEEEG_TO_INT8("q0"));
        } else {
            EDGEEEG_DOTS("16", "vldrb.s16", "vldrh.u16", EDGEEEG_TO_INT16("q0"));
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
        const int32x4_t whole = edgeeeg_times(edgeeeg_vector_of(sums), edgeeeg_copies(filter.multiplier));
        edgeeeg_store4(y, at + t, y_width, whole, lanes);
    }
}

/* Sums along the outputs, tap by tap, row by row: `multiply` adds tap w of what begins at x, `finish` ends */
#define EDGEEEG_ALONG(begin, multiply, finish, ...)                                                        \
    __asm volatile(begin "1:\tmov %[x], %[row]\n"                                                          \
                         "\tdls lr, %[k]\n"                                                                \
                         "2:\tldrsb %[w], [%[taps]], #1\n" multiply "\tadd %[x], %[x], %[apart]\n"         \
                         "\tle lr, 2b\n"                                                                   \
                         "\tadd %[row], %[row], %[pitch]\n"                                                \
                         "\tadd %[taps], %[taps], %[skip]\n"                                               \
                         "\tsubs %[rows], %[rows], #1\n"                                                   \
                         "\tbne 1b\n" finish                                                               \
                   : [x] "=&l"(x), [w] "=&r"(w), [row] "+&r"(row), [taps] "+&r"(taps), [rows] "+&r"(rows), \
                     __VA_ARGS__, [apart] "r"(of.apart * of.x_width), [pitch] "r"(of.pitch * of.x_width),  \
                     [skip] "r"(filter.pitch - of.k)                                                       \
                   : "lr", "cc", "p0", "q0", "memory")
#define EDGEEEG_SIXTEEN(load, second, third, fourth, narrow)                                     \
    EDGEEEG_ALONG("",                                                                            \
                  "\t" load " q0, [%[x]]\n\tvmla.s32 %q[a], q0, %[w]\n"                          \
                  "\t" load " q0, [%[x], #" second "]\n\tvmla.s32 %q[b], q0, %[w]\n"             \
                  "\t" load " q0, [%[x], #" third "]\n\tvmla.s32 %q[c], q0, %[w]\n"              \
                  "\t" load " q0, [%[x], #" fourth "]\n\tvmla.s32 %q[d], q0, %[w]\n",            \
                  narrow("%q[a]") narrow("%q[b]") narrow("%q[c]") narrow("%q[d]"), [a] "+&w"(a), \
                  [b] "+&w"(b), [c] "+&w"(c), [d] "+&w"(d), [y] "+&l"(to) : [k] "r"(of.k),       \
                  [multiplier] "w"(multiplier), [most] "w"(most))
#define EDGEEEG_FOUR(load)                                                                   \
    EDGEEEG_ALONG("\tvctp.32 %[left]\n", "\tvpst\n\t" load "\n\tvmla.s32 %q[a], q0, %[w]\n", \
                  "", [a] "+&w"(a) : [k] "r"(of.k), [left] "r"(of.made - t), [steps] "w"(steps))

EDGEEEG_INLINE void edgeeeg_filter_along(edgeeeg_windows of, edgeeeg_filter filter, void *y, size_t at,
                                         size_t y_width) {
    const uint32x4_t steps = vmulq_n_u32(vidupq_n_u32(0, 1), of.step);
    const int32x4_t multiplier = edgeeeg_copies(filter.multiplier);
    const int32x4_t most = vdupq_n_s32(32639);
    const size_t block = of.step == 1 && of.made >= 16 ? 16 : 4;
    for (size_t next = 0; next < of.made; next += block) {
        /* the last sixteen may be some of those before them again */
        const size_t t = block == 16 && of.made - next < 16 ? of.made - 16 : next;
        const uint8_t *row = edgeeeg_element(of.x, t * of.step, of.x_width);
        const int8_t *taps = filter.taps;
        size_t rows = of.rows;
        int32x4_t a = vdupq_n_s32(filter.bias);
        const uint8_t *x;
        int32_t w;
        if (block == 16) {
            int32x4_t b = a, c = a, d = a;
            uint8_t *to = (uint8_t *)y + (at + t) * y_width;
            if (of.x_width == 1 && y_width == 1) {
                EDGEEEG_SIXTEEN("vldrb.s32", "4", "8", "12", EDGEEEG_TO_INT8);
            } else if (of.x_width == 1) {
                EDGEEEG_SIXTEEN("vldrb.s32", "4", "8", "12", EDGEEEG_TO_INT16);
            } else if (y_width == 1) {
                EDGEEEG_SIXTEEN("vldrh.s32", "8", "16", "24", EDGEEEG_TO_INT8);
            } else {
                EDGEEEG_SIXTEEN("vldrh.s32", "8", "16", "24", EDGEEEG_TO_INT16);
            }
        } else {
            if (of.x_width == 1) {
                EDGEEEG_FOUR("vldrbt.s32 q0, [%[x], %q[steps]]");
            } else {
                EDGEEEG_FOUR("vldrht.s32 q0, [%[x], %q[steps], uxtw #1]");
            }
            edgeeeg_store4(y, at + t, y_width, edgeeeg_times(a, multiplier), vctp32q(of.made - t));
        }
    }
}

#endif
