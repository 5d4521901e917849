/* The board's side of the link without any I/O: bytes in by link_receive, bytes out through a callback.
   It carries each command out once and in order, and keeps its last LINK_WINDOW replies to repeat a lost one.
   docs/link.md gives the bytes. */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "framing.h"
#include "protocol.h"

/* A model behind its generated functions; negative returns are errors of its own. */
typedef struct {
    void *self;
    int (*init)(void *self);
    int (*push)(void *self, const int16_t *samples,
                size_t frames); /* (frames, n_chans), at most hop pending */
    int (*step)(void *self,
                float *outputs); /* (n_outputs); 1: written, 0: more needed, 2: before the first output */
    int (*flush)(void *self, float *outputs); /* the recording is over; 1: written, 0: none remains */
    size_t (*save)(const void *self, uint8_t *buffer, size_t size);
    int (*restore)(void *self, const uint8_t *buffer, size_t size);
    uint8_t *state;   /* saved_bytes bytes in which a state is put together on its way */
    const char *hash; /* 16 hexadecimal characters */
    float lsb_uv;     /* µV per count */
    uint32_t saved_bytes;
    uint16_t hop; /* frames */
    uint16_t n_chans;
    uint16_t n_outputs; /* float32 values of one step */
} link_model_t;

/* What only the board knows. */
typedef struct {
    uint32_t stack_high_water; /* bytes */
    uint32_t stack_size;       /* bytes */
    uint32_t uptime_ms;
    uint32_t rx_overruns; /* bytes that found the receive buffer full */
} link_measures_t;

typedef struct {
    void (*send)(const uint8_t *bytes, size_t n); /* takes them all, and waits where it must */
    void (*measure)(link_measures_t *measures);
    uint8_t exception; /* the exception that restarted the board, 0 for none */
} link_board_t;

typedef struct {
    uint16_t bytes;
    uint8_t payload[LINK_MAX_PAYLOAD];
} link_reply_t;

typedef struct {
    const link_model_t *model;
    const link_board_t *board;
    frame_decoder_t decoder;
    link_reply_t replies[LINK_WINDOW]; /* by sequence number modulo LINK_WINDOW */
    uint8_t frame[LINK_MAX_FRAME_BYTES];
    int16_t samples[LINK_MAX_PAYLOAD / 2];
    float outputs[LINK_MAX_PAYLOAD / 4];
    uint32_t nonce;       /* of the session, 0 for none */
    uint32_t state_bytes; /* of model->state that a save has filled, or a restore so far */
    uint32_t frames_received, rejected_frames, duplicates, steps;
    int model_status;   /* 0, or the error after which the model waits for a reset */
    uint16_t expected;  /* sequence number of the next command */
    uint16_t pending;   /* frames in the model that no step has consumed */
    uint8_t round;      /* of the last command */
    bool nak_sent;      /* for `expected`, in this round */
    bool pending_known; /* false from a restore to the next step */
} link_t;

/* Begin without a session; model and board must outlive the link. */
void link_init(link_t *link, const link_model_t *model, const link_board_t *board);

/* Tell a host that is listening already that the board has started. */
void link_announce(link_t *link);

/* Take bytes from the wire and answer the messages they complete. */
void link_receive(link_t *link, const uint8_t *bytes, size_t n);

#endif
