/* edgeeeg_across_plain with products of halves of words: four neighbours at a time. */
#ifndef EDGEEEG_DSP_ACROSS_H
#define EDGEEEG_DSP_ACROSS_H

#include "edgeeeg_dsp_words.h"

/* one of four lines of int8 at %[x] + `at`, times the half of the weights' word that `half` says */
#define EDGEEEG_ONE_LINE(at, half, weights)                   \
    "ldr %[odd], [%[x]" at "]\n\t"                            \
    "sxtb16 %[even], %[odd]\n\t"                              \
    "sxtb16 %[odd], %[odd], ror #8\n\t"                       \
    "smlab" half " %[s0], %[even], %[" weights "], %[s0]\n\t" \
    "smlab" half " %[s1], %[odd], %[" weights "], %[s1]\n\t"  \
    "smlat" half " %[s2], %[even], %[" weights "], %[s2]\n\t" \
    "smlat" half " %[s3], %[odd], %[" weights "], %[s3]\n\t"

/* The sums of four neighbours over `lines`, `length` elements of int8 apart */
EDGEEEG_INLINE void edgeeeg_across_four_int8(const int8_t *x, const int8_t *weight, size_t lines,
                                             size_t length, edgeeeg_four *sums) {
    const int8_t *fours = weight + (lines & ~(size_t)3);
    const int8_t *end = weight + lines;
    int32_t s0 = sums->s0;
    int32_t s1 = sums->s1;
    int32_t s2 = sums->s2;
    int32_t s3 = sums->s3;
    uint32_t even, odd, w02, w13;
    __asm__ volatile("ldr %[even], %[fours]\n\t"
                     "cmp %[w], %[even]\n\t"
                     "beq 2f\n\t"
                     "1:\n\t"
                     "ldr %[w13], [%[w]], #4\n\t"
                     "sxtb16 %[w02], %[w13]\n\t"
                     "sxtb16 %[w13], %[w13], ror #8\n\t" EDGEEEG_ONE_LINE("", "b", "w02")
                         EDGEEEG_ONE_LINE(", %[length]", "b", "w13")
                             EDGEEEG_ONE_LINE(", %[length], lsl #1", "t", "w02")
                                 EDGEEEG_ONE_LINE(", %[length3]", "t",
                                                  "w13") "add %[x], %[x], %[length], lsl #2\n\t"
                                                         "ldr %[even], %[fours]\n\t"
                                                         "cmp %[w], %[even]\n\t"
                                                         "bne 1b\n\t"
                                                         "2:\n\t"
                                                         "ldr %[even], %[end]\n\t"
                                                         "cmp %[w], %[even]\n\t"
                                                         "beq 4f\n\t"
                                                         "3:\n\t"
                                                         "ldrsb %[w02], [%[w]], #1\n\t" EDGEEEG_ONE_LINE(
                                                             "", "b", "w02") "add %[x], %[x], %[length]\n\t"
                                                                             "ldr %[even], %[end]\n\t"
                                                                             "cmp %[w], %[even]\n\t"
                                                                             "bne 3b\n\t"
                                                                             "4:"
                     : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3), [even] "=&r"(even),
                       [odd] "=&r"(odd), [w02] "=&r"(w02), [w13] "=&r"(w13), [x] "+r"(x), [w] "+r"(weight)
                     : [length] "r"(length), [length3] "r"(3 * length), [fours] "m"(fours), [end] "m"(end)
                     : "memory", "cc");
    *sums = (edgeeeg_four){s0, s1, s2, s3};
}

EDGEEEG_INLINE void edgeeeg_across_four_int16(const edgeeeg_int16 *x, const int8_t *weight, size_t lines,
                                              size_t length, edgeeeg_four *sums) {
    for (const int8_t *end = weight + lines; weight != end; x += length) {
        const int32_t by = *weight++;
        const int32_t first = (int32_t)edgeeeg_word(x);
        const int32_t second = (int32_t)edgeeeg_word(x + 2);
        sums->s0 = __smlabb(first, by, sums->s0);
        sums->s1 = __smlatb(first, by, sums->s1);
        sums->s2 = __smlabb(second, by, sums->s2);
        sums->s3 = __smlatb(second, by, sums->s3);
    }
}

EDGEEEG_INLINE void edgeeeg_across_dsp(const void *x, size_t x_width, const int8_t *weight,
                                       const int32_t *bias, const float *multiplier, void *y, size_t y_width,
                                       const edgeeeg_channels *channels, size_t lines, size_t length) {
    const size_t group_out = channels->c_out / channels->groups;
    const size_t fours = length & ~(size_t)3;
    uint8_t *to = y;
    for (size_t g = 0; g < channels->batch * channels->groups; g++) {
        const void *group = edgeeeg_element(x, g * lines * length, x_width);
        for (size_t o = 0; o < group_out; o++) {
            const size_t channel = g % channels->groups * group_out + o;
            const int8_t *filter = weight + channel * lines;
            int32_t start = bias ? bias[channel] : 0;
            __asm__("" : "+r"(start)); /* were it known to equal `length`, both could share a register */
            const float scale = multiplier[channel];
            for (size_t t = 0; t < fours; t += 4, to += 4 * y_width) {
                edgeeeg_four sums = {start, start, start, start};
                if (x_width == 1) {
                    edgeeeg_across_four_int8(edgeeeg_element(group, t, 1), filter, lines, length, &sums);
                } else {
                    edgeeeg_across_four_int16(edgeeeg_element(group, t, 2), filter, lines, length, &sums);
                }
                edgeeeg_store_four(to, sums, scale, 4, y_width);
            }
            for (size_t t = fours; t < length; t++, to += y_width) {
                int32_t sum = start;
                for (size_t r = 0; r < lines; r++) {
                    sum += (int32_t)filter[r] * edgeeeg_load(group, r * length + t, x_width);
                }
                edgeeeg_store(to, 0, (float)sum * scale, y_width);
            }
        }
    }
}

#endif
