/* Numbers as the little-endian bytes of the wire, whatever the byte order and alignment of the machine. */
#ifndef LITTLE_ENDIAN_H
#define LITTLE_ENDIAN_H

#include <stdint.h>

static inline uint8_t *put_u8(uint8_t *to, uint8_t value) {
    to[0] = value;
    return to + 1;
}

static inline uint8_t *put_u16(uint8_t *to, uint16_t value) {
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
    return to + 2;
}

static inline uint8_t *put_u32(uint8_t *to, uint32_t value) {
    return put_u16(put_u16(to, (uint16_t)value), (uint16_t)(value >> 16));
}

static inline uint8_t *put_f32(uint8_t *to, float value) {
    union {
        float number;
        uint32_t bits;
    } pun = {.number = value};
    return put_u32(to, pun.bits);
}

static inline uint16_t get_u16(const uint8_t *from) {
    return (uint16_t)(from[0] | from[1] << 8);
}

static inline uint32_t get_u32(const uint8_t *from) {
    return (uint32_t)get_u16(from) | (uint32_t)get_u16(from + 2) << 16;
}

#endif
