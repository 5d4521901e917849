#include "framing.h"

#include "little_endian.h"

/* A table by nibble: 64 bytes of flash instead of 1 kB, for two lookups a byte. */
static const uint32_t CRC_OF_NIBBLE[16] = {
    0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u, 0x4db26158u, 0x5005713cu,
    0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu, 0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu,
};

static uint32_t crc32_update(uint32_t crc, uint8_t byte) {
    crc ^= byte;
    crc = crc >> 4 ^ CRC_OF_NIBBLE[crc & 15u];
    return crc >> 4 ^ CRC_OF_NIBBLE[crc & 15u];
}

uint32_t frame_crc32(const uint8_t *bytes, size_t n) {
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < n; i++)
        crc = crc32_update(crc, bytes[i]);
    return ~crc;
}

/* COBS: each run of at most 254 bytes without a zero is led by its length plus one. */
typedef struct {
    uint8_t *length_at;
    uint8_t *end;
} cobs_run_t;

static void cobs_put(cobs_run_t *run, uint8_t byte) {
    /* A full run is closed only when a byte follows it, so that no empty run ends the frame. */
    if (run->end - run->length_at == 255) {
        *run->length_at = 255;
        run->length_at = run->end++;
    }
    if (byte == 0) {
        *run->length_at = (uint8_t)(run->end - run->length_at);
        run->length_at = run->end++;
    } else {
        *run->end++ = byte;
    }
}

size_t frame_encode(const uint8_t *payload, size_t payload_bytes, uint8_t *frame) {
    uint8_t crc[LINK_CRC_BYTES];
    put_u32(crc, frame_crc32(payload, payload_bytes));
    frame[0] = 0;
    cobs_run_t run = {frame + 1, frame + 2};
    for (size_t i = 0; i < payload_bytes; i++)
        cobs_put(&run, payload[i]);
    for (size_t i = 0; i < LINK_CRC_BYTES; i++)
        cobs_put(&run, crc[i]);
    *run.length_at = (uint8_t)(run.end - run.length_at);
    *run.end++ = 0;
    return (size_t)(run.end - frame);
}

/* Decode in place; the decoded bytes never overtake the coded ones. Returns false for a broken run. */
static bool cobs_decode(uint8_t *bytes, size_t n_coded, size_t *n_decoded) {
    size_t in = 0, out = 0;
    while (in < n_coded) {
        size_t length = bytes[in++];
        if (length - 1 > n_coded - in)
            return false;
        for (size_t i = 1; i < length; i++)
            bytes[out++] = bytes[in++];
        if (length < 255 && in < n_coded)
            bytes[out++] = 0;
    }
    *n_decoded = out;
    return true;
}

static bool decode(frame_decoder_t *decoder) {
    size_t n;
    if (!cobs_decode(decoder->payload, decoder->coded_bytes, &n) || n <= LINK_CRC_BYTES)
        return false;
    decoder->payload_bytes = n - LINK_CRC_BYTES;
    return get_u32(decoder->payload + decoder->payload_bytes) ==
           frame_crc32(decoder->payload, decoder->payload_bytes);
}

void frame_decoder_init(frame_decoder_t *decoder) {
    decoder->payload_bytes = 0;
    decoder->coded_bytes = 0;
    decoder->overlong = false;
}

frame_event_t frame_decoder_push(frame_decoder_t *decoder, uint8_t byte) {
    if (byte != 0) {
        if (decoder->coded_bytes < LINK_MAX_CODED)
            decoder->payload[decoder->coded_bytes++] = byte;
        else
            decoder->overlong = true;
        return FRAME_PENDING;
    }
    if (decoder->coded_bytes == 0)
        return FRAME_PENDING; /* the zeros of neighbouring frames enclose nothing */
    bool valid = !decoder->overlong && decode(decoder);
    decoder->coded_bytes = 0;
    decoder->overlong = false;
    return valid ? FRAME_COMPLETE : FRAME_REJECTED;
}
