/* What a program of kernel cases draws its operands with and what it makes of their results. The Python twins
 * are operand_draw.py and word_checksum.py. */
#ifndef KERNEL_CHECK_H
#define KERNEL_CHECK_H

#include <stddef.h>
#include <stdint.h>

/* Run the case of that number; its checksum, 0 where there is none. Generated beside the cases. */
uint64_t kernel_check_run(uint8_t number);

typedef union {
    float value;
    uint32_t bits;
} kernel_check_pun;

/* PCG RXS-M-XS 32 (O'Neill, HMC-CS-2014-0905): a linear congruence, permuted on the way out. */
static inline uint32_t kernel_check_draw(uint32_t *state) {
    const uint32_t before = *state;
    *state = before * 747796405u + 2891336453u;
    const uint32_t mixed = ((before >> ((before >> 28) + 4u)) ^ before) * 277803737u;
    return (mixed >> 22) ^ mixed;
}

/* Every finite float, subnormal ones too: infinities and NaNs lose a bit of their exponent. */
static inline float kernel_check_finite(uint32_t word) {
    kernel_check_pun pun;
    pun.bits = (word & 0x7F800000u) == 0x7F800000u ? word ^ 0x00800000u : word;
    return pun.value;
}

/* A polynomial in an odd number: results that differ in one word never have the same sum. */
static inline uint64_t kernel_check_add(uint64_t sum, uint32_t word) {
    return sum * 6364136223846793005u + word;
}

static inline uint64_t kernel_check_add_float(uint64_t sum, float value) {
    kernel_check_pun pun;
    pun.value = value;
    return kernel_check_add(sum, pun.bits);
}

#endif
