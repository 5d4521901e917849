/* Kernels of edgeeeg_quantized_layers.h with vectors of sixteen int8 or eight int16 (Helium). Sums of many
 * products are four dot products at a time (VMLADAVA), those of a few go along four to sixteen outputs
 * (VMLA). Lanes behind the end of an array are predicated: nothing there is read.
 *
 * Requantization alone is in vectors of floats, in assembly: -mcpu=...+nomve.fp keeps the compiler from
 * making others, which would flush the subnormal numbers of float layers. Here what is flushed is rounded to
 * 0 anyway, so the bits are those of the scalar unit. */
#ifndef EDGEEEG_HELIUM_H
#define EDGEEEG_HELIUM_H

#include <arm_mve.h>

#define EDGEEEG_FEW_TAPS 6 /* along a row, from which on dot products take fewer instructions */

/* sums += `one` . each of `four`, k products each. A loop whose last round is predicated (WLSTP, LETP), which
 * gcc does not make: the tail costs no instruction. */
#define EDGEEEG_DOT4(lanes, load_one, of_one, load_four, of_four)                              \
    __asm("wlstp." lanes " lr, %[k], 2f\n"                                                     \
          "1:\n"                                                                               \
          "\t" load_one " q0, [%[one]], %[one_bytes]\n"                                        \
          "\t" load_four " q1, [%[w]], %[four_bytes]\n"                                        \
          "\tvmladava.s" lanes " %[a], q0, q1\n"                                               \
          "\t" load_four " q2, [%[x]], %[four_bytes]\n"                                        \
          "\tvmladava.s" lanes " %[b], q0, q2\n"                                               \
          "\t" load_four " q3, [%[y]], %[four_bytes]\n"                                        \
          "\tvmladava.s" lanes " %[c], q0, q3\n"                                               \
          "\t" load_four " q1, [%[z]], %[four_bytes]\n"                                        \
          "\tvmladava.s" lanes " %[d], q0, q1\n"                                               \
          "\tletp lr, 1b\n"                                                                    \
          "2:"                                                                                 \
          : [a] "+Te"(sums[0]), [b] "+Te"(sums[1]), [c] "+Te"(sums[2]), [d] "+Te"(sums[3]),    \
            [one] "+" of_one(one), [w] "+" of_four(w), [x] "+" of_four(x), [y] "+" of_four(y), \
            [z] "+" of_four(z)                                                                 \
          : [k] "r"(k), [one_bytes] "i"(one_width == 1 && four_width == 2 ? 8 : 16),           \
            [four_bytes] "i"(four_width == 1 && one_width == 2 ? 8 : 16)                       \
          : "lr", "q0", "q1", "q2", "q3", "memory")

/* `one` and the four rows of `four`, `pitch` elements apart, have elements of 1 or 2 bytes */
EDGEEEG_INLINE void edgeeeg_dot4(const void *one, size_t one_width, const void *four, size_t four_width,
                                 size_t pitch, size_t k, int32_t sums[4]) {
    const uint8_t *w = four;
    const uint8_t *x = w + pitch * four_width;
    const uint8_t *y = x + pitch * four_width;
    const uint8_t *z = y + pitch * four_width;
    if (one_width == 1 && four_width == 1) {
        EDGEEEG_DOT4("8", "vldrb.u8", "r", "vldrb.u8", "r");
    } else if (one_width == 1) {
        EDGEEEG_DOT4("16", "vldrb.s16", "l", "vldrh.u16", "r");
    } else {
        EDGEEEG_DOT4("16", "vldrh.u16", "r", "vldrb.s16", "l");
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

/* the bits of a float, in all lanes */
EDGEEEG_INLINE int32x4_t edgeeeg_copies(float value) {
    int32x4_t vector;
    __asm("vdup.32 %q0, %1" : "=w"(vector) : "r"(value));
    return vector;
}

/* Whole numbers next to multiplier sums, ties to even, and the least or greatest integer for those beyond it;
 * multipliers are given by their bits */
EDGEEEG_INLINE int32x4_t edgeeeg_times(int32x4_t sums, int32x4_t multipliers) {
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
        "1:\tvmov.32 %[a], %e[kept][0]\n"                                                          \
        "\tvmov.32 %[w], %e[kept][1]\n"                                                            \
        "\tdlstp." lanes " lr, %[a]\n"                                                             \
        "\tmov %[a], #0\n"                                                                         \
        "\tmov %[b], #0\n"                                                                         \
        "\tmov %[c], #0\n"                                                                         \
        "\tmov %[d], #0\n"                                                                         \
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
        "\tvmov q0[3], q0[1], %[b], %[d]\n"                                                        \
        "\tvadd.i32 q0, q0, %q[bias]\n" narrow "\tvmov.32 %[w], %f[kept][0]\n"                     \
        "\tadd %[x0], %[x0], %[w]\n"                                                               \
        "\tadd %[x1], %[x1], %[w]\n"                                                               \
        "\tadd %[x2], %[x2], %[w]\n"                                                               \
        "\tadd %[x3], %[x3], %[w]\n"                                                               \
        "\tsubs %[tiles], %[tiles], #1\n"                                                          \
        "\tbne 1b"                                                                                 \
        : [a] "=&Te"(a), [b] "=&Te"(b), [c] "=&Te"(c), [d] "=&Te"(d), [w] "=&l"(w), [x0] "+r"(x0), \
          [x1] "+r"(x1), [x2] "+r"(x2), [x3] "+r"(x3), [y] "+l"(to), [tiles] "+r"(tiles)           \
        : [kept] "w"(kept), [bias] "w"(bias), [multiplier] "w"(multiplier), [most] "w"(most),      \
          [tap_bytes] "i"(of.x_width == 1 ? 16 : 8)                                                \
        : "lr", "cc", "q0", "q1", "q2", "q3", "memory")
EDGEEEG_INLINE void edgeeeg_filter_row(edgeeeg_windows of, edgeeeg_filter filter, void *y, size_t at,
                                       size_t y_width) {
    const size_t chunk = of.x_width == 1 ? 16 : 8;
    const size_t onward = (4 * of.step - (of.k + chunk - 1) / chunk * chunk) * of.x_width;
    const int32_t fixed[4] = {(int32_t)of.k, (int32_t)filter.taps, (int32_t)onward, 0};
    const int32x4_t kept = edgeeeg_vector_of(fixed);
    const int32x4_t bias = vdupq_n_s32(filter.bias);
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
#define EDGEEEG_ALONG(begin, multiply, finish, ...)                                                       \
    __asm volatile(begin "1:\tmov %[x], %[row]\n"                                                         \
                         "\tdls lr, %[k]\n"                                                               \
                         "2:\tldrsb %[w], [%[taps]], #1\n" multiply "\tadd %[x], %[x], %[apart]\n"        \
                         "\tle lr, 2b\n"                                                                  \
                         "\tadd %[row], %[row], %[pitch]\n"                                               \
                         "\tadd %[taps], %[taps], %[skip]\n"                                              \
                         "\tsubs %[rows], %[rows], #1\n"                                                  \
                         "\tbne 1b\n" finish                                                              \
                   : [x] "=&l"(x), [w] "=&r"(w), [row] "+r"(row), [taps] "+r"(taps), [rows] "+r"(rows),   \
                     __VA_ARGS__, [apart] "r"(of.apart * of.x_width), [pitch] "r"(of.pitch * of.x_width), \
                     [skip] "r"(filter.pitch - of.k)                                                      \
                   : "lr", "cc", "q0", "memory")
#define EDGEEEG_SIXTEEN(load, second, third, fourth, narrow)                                                 \
    EDGEEEG_ALONG("",                                                                                        \
                  "\t" load " q0, [%[x]]\n\tvmla.s32 %q[a], q0, %[w]\n"                                      \
                  "\t" load " q0, [%[x], #" second "]\n\tvmla.s32 %q[b], q0, %[w]\n"                         \
                  "\t" load " q0, [%[x], #" third "]\n\tvmla.s32 %q[c], q0, %[w]\n"                          \
                  "\t" load " q0, [%[x], #" fourth "]\n\tvmla.s32 %q[d], q0, %[w]\n",                        \
                  narrow("%q[a]") narrow("%q[b]") narrow("%q[c]") narrow("%q[d]"), [a] "+w"(a), [b] "+w"(b), \
                  [c] "+w"(c), [d] "+w"(d), [y] "+l"(to)                                                     \
                  : [k] "r"(of.k), [multiplier] "w"(multiplier), [most] "w"(most))
#define EDGEEEG_FOUR(load)                                                                                   \
    EDGEEEG_ALONG("\tvctp.32 %[left]\n", "\tvpst\n\t" load "\n\tvmla.s32 %q[a], q0, %[w]\n", "", [a] "+w"(a) \
                  : [k] "r"(of.k), [left] "r"(of.made - t), [steps] "w"(steps))

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
        : [row] "+r"(row), [seen] "+r"(seen), [rows] "+r"(of.rows), [from] "=&r"(from), [to] "=&r"(to)
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
    const size_t even = (kernel[2] + 1) & ~(size_t)1;
    const size_t pitch = edgeeeg_slide_pitch(window, block);
    edgeeeg_windows of = {scratch, x_width, window->stride[2], group_in * lines, 0, kernel[2], 1, 0};
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
                    /* unless it begins in front of the first line, where `left` wraps, or ends behind the
                     * last */
                    const size_t last = left + (kernel[1] - 1) * window->dilation[1];
                    const int whole = left <= last && last < in[1];
                    uint8_t *row = scratch;
                    of.x = scratch;
                    of.pitch = pitch;
                    for (size_t c = 0; c < group_in; c++) {
                        for (size_t k0 = 0; k0 < kernel[0]; k0++) {
                            const size_t i0 = top + k0 * window->dilation[0];
                            for (size_t k1 = 0, same; k1 < kernel[1]; k1 += same) {
                                const size_t i1 = left + k1 * window->dilation[1];
                                const int outside = i0 >= in[0] || i1 >= in[1];
                                same = whole ? kernel[1] : 1;
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

#define EDGEEEG_SCATTER(load, store)                                                                        \
    __asm volatile("wlstp.16 lr, %[inside], 2f\n"                                                           \
                   "1:\n\t" load "\n\t" store "\n"                                                          \
                   "\tadd %[seen], %[seen], %[ahead]\n"                                                     \
                   "\tadd %[column], %[column], %[along]\n"                                                 \
                   "\tletp lr, 1b\n"                                                                        \
                   "2:"                                                                                     \
                   : [seen] "+r"(seen), [column] "+r"(column)                                               \
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
            : [seen] "=&r"(seen), [to] "=&r"(to), [row] "+r"(row), [column] "+r"(column), [rows] "+r"(rows)
            : [left] "r"(of.bytes - i), [count] "r"(count), [step] "r"(step), [next] "r"(next),
              [pitch] "r"(of.pitch), [apart] "r"(of.apart)
            : "lr", "cc", "q0", "memory");
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
        const edgeeeg_windows of = {top, x_width, 1, 1, 0, lines, length, length};
        for (size_t o = 0; o < group_out; o++) {
            const size_t channel = g % channels->groups * group_out + o;
            const edgeeeg_filter filter = {weight + channel * lines, lines, bias ? bias[channel] : 0,
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
