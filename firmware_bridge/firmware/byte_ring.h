/* A ring of bytes between one writer and one reader, of which either may be an interrupt handler. */
#ifndef BYTE_RING_H
#define BYTE_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol.h"

#define BYTE_RING_SIZE LINK_RX_BUFFER_BYTES /* a power of two, so that the counters may wrap */

typedef struct {
    volatile uint32_t written; /* bytes ever put, changed by the writer alone */
    volatile uint32_t read;    /* bytes ever taken, changed by the reader alone */
    volatile uint8_t bytes[BYTE_RING_SIZE];
} byte_ring_t;

static inline bool byte_ring_empty(const byte_ring_t *ring) {
    return ring->written == ring->read;
}

/* Returns false, and drops the byte, where the ring is full. */
static inline bool byte_ring_put(byte_ring_t *ring, uint8_t byte) {
    if (ring->written - ring->read == BYTE_RING_SIZE)
        return false;
    ring->bytes[ring->written % BYTE_RING_SIZE] = byte;
    ring->written++;
    return true;
}

/* Returns false where the ring is empty. */
static inline bool byte_ring_take(byte_ring_t *ring, uint8_t *byte) {
    if (byte_ring_empty(ring))
        return false;
    *byte = ring->bytes[ring->read % BYTE_RING_SIZE];
    ring->read++;
    return true;
}

#endif
