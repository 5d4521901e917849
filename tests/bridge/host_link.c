/* The firmware's link.c with the fake model, compiled for the host: the tests' board without a board. */
#include <stdlib.h>
#include <string.h>

#include "edgeeeg_model.h"
#include "link.h"

typedef struct {
    edgeeeg_model_t model;
    uint8_t state[EDGEEEG_SAVED_BYTES];
    link_t link;
    link_model_t exported;
    link_board_t board;
} host_link_t;

static uint8_t sent[1 << 20];
static size_t n_sent;

static void send(const uint8_t *bytes, size_t n) {
    if (n > sizeof sent - n_sent)
        abort();
    memcpy(sent + n_sent, bytes, n);
    n_sent += n;
}

static void measure(link_measures_t *measures) {
    *measures =
        (link_measures_t){.stack_high_water = 1000, .stack_size = 8192, .uptime_ms = 1234, .rx_overruns = 2};
}

static int init(void *self) {
    return edgeeeg_model_init(self);
}

static int push(void *self, const int16_t *samples, size_t frames) {
    return edgeeeg_model_push(self, samples, frames);
}

static int step(void *self, float *outputs) {
    return edgeeeg_model_step(self, outputs);
}

static int flush(void *self, float *outputs) {
    return edgeeeg_model_flush(self, outputs);
}

static size_t save(const void *self, uint8_t *buffer, size_t size) {
    return edgeeeg_model_save(self, buffer, size);
}

static int restore(void *self, const uint8_t *buffer, size_t size) {
    return edgeeeg_model_restore(self, buffer, size);
}

host_link_t *host_link_create(void) {
    host_link_t *host = calloc(1, sizeof *host);
    host->exported = (link_model_t){
        .self = &host->model,
        .init = init,
        .push = push,
        .step = step,
        .flush = flush,
        .save = save,
        .restore = restore,
        .state = host->state,
        .hash = EDGEEEG_MODEL_HASH,
        .lsb_uv = EDGEEEG_LSB_UV,
        .saved_bytes = EDGEEEG_SAVED_BYTES,
        .hop = EDGEEEG_HOP,
        .n_chans = EDGEEEG_N_CHANS,
        .n_outputs = EDGEEEG_N_OUTPUTS,
    };
    host->board = (link_board_t){.send = send, .measure = measure, .exception = 0};
    link_init(&host->link, &host->exported, &host->board);
    return host;
}

void host_link_destroy(host_link_t *host) {
    free(host);
}

void host_link_announce(host_link_t *host) {
    link_announce(&host->link);
}

/* Returns the number of bytes that the board answered, which `answer` points to until the next call. */
size_t host_link_receive(host_link_t *host, const uint8_t *bytes, size_t n, const uint8_t **answer) {
    link_receive(&host->link, bytes, n);
    size_t answered = n_sent;
    n_sent = 0;
    *answer = sent;
    return answered;
}
