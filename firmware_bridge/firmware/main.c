/* The exported model behind the serial link: sleep, take bytes, answer. */
#include "edgeeeg_model.h"
#include "link.h"
#include "startup.h"
#include "systick.h"
#include "uart.h"

#if EDGEEEG_N_OUTPUTS * 4 + LINK_REPLY_HEADER_BYTES > LINK_MAX_PAYLOAD
#error "the outputs of one step exceed LINK_MAX_PAYLOAD"
#endif
#if EDGEEEG_N_CHANS * 2 + LINK_COMMAND_HEADER_BYTES > LINK_MAX_PAYLOAD
#error "the channels of one frame exceed LINK_MAX_PAYLOAD"
#endif

static edgeeeg_model_t model;
static uint8_t state_in_transit[EDGEEEG_SAVED_BYTES];
static link_t host_link;

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

static void measure(link_measures_t *measures) {
    measures->stack_high_water = stack_high_water();
    measures->stack_size = stack_size();
    measures->uptime_ms = systick_ms();
    measures->rx_overruns = uart_rx_overruns();
}

int main(void) {
    static const link_model_t exported = {
        .self = &model,
        .init = init,
        .push = push,
        .step = step,
        .flush = flush,
        .save = save,
        .restore = restore,
        .state = state_in_transit,
        .hash = EDGEEEG_MODEL_HASH,
        .lsb_uv = EDGEEEG_LSB_UV,
        .saved_bytes = EDGEEEG_SAVED_BYTES,
        .hop = EDGEEEG_HOP,
        .n_chans = EDGEEEG_N_CHANS,
        .n_outputs = EDGEEEG_N_OUTPUTS,
    };
    const link_board_t board = {.send = uart_write, .measure = measure, .exception = startup_exception()};

    systick_start();
    uart_start();
    link_init(&host_link, &exported, &board);
    link_announce(&host_link);
    for (;;) {
        uint8_t bytes[64];
        link_receive(&host_link, bytes, uart_read(bytes, sizeof bytes));
    }
}
