/* Frames on a serial line: 0x00, COBS of payload and CRC-32, 0x00. The Python twin is framing.py. */
#ifndef FRAMING_H
#define FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

typedef enum {
    FRAME_PENDING,  /* more bytes are needed */
    FRAME_COMPLETE, /* payload and payload_bytes are valid until the next byte */
    FRAME_REJECTED, /* a run of bytes ended that is no frame */
} frame_event_t;

typedef struct {
    uint8_t payload[LINK_MAX_CODED]; /* holds the coded bytes until they are decoded in place */
    size_t payload_bytes;
    size_t coded_bytes;
    bool overlong;
} frame_decoder_t;

/* CRC-32 of zlib and IEEE 802.3. */
uint32_t frame_crc32(const uint8_t *bytes, size_t n);

/* Write the frame of a payload of at most LINK_MAX_PAYLOAD bytes; frame holds LINK_MAX_FRAME_BYTES.
   Returns the bytes written. */
size_t frame_encode(const uint8_t *payload, size_t payload_bytes, uint8_t *frame);

void frame_decoder_init(frame_decoder_t *decoder);

/* Take one byte from the wire. */
frame_event_t frame_decoder_push(frame_decoder_t *decoder, uint8_t byte);

#endif
