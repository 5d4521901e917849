#include "edgeeeg_model.h"

#define LEAK      0.96875f
#define SIGNATURE 0x46414b45u

typedef union {
    edgeeeg_model_t model;
    uint8_t bytes[sizeof(edgeeeg_model_t)];
} image_t;

int edgeeeg_model_init(edgeeeg_model_t *model) {
    model->level[0] = model->level[1] = 0.0f;
    model->steps = 0;
    model->n_pending = 0;
    model->flushed = 0;
    for (size_t i = 0; i < EDGEEEG_HOP * EDGEEEG_N_CHANS; i++)
        model->pending[i] = 0;
    for (size_t i = 0; i < sizeof model->history; i++)
        model->history[i] = 0;
    return 0;
}

static int overflow_the_stack(int depth) {
    volatile uint8_t frame[512];
    frame[0] = (uint8_t)depth;
    if (depth > 0)
        overflow_the_stack(depth - 1);
    return frame[0];
}

int edgeeeg_model_push(edgeeeg_model_t *model, const int16_t *samples, size_t frames) {
    if (frames > EDGEEEG_HOP - model->n_pending)
        return -1;
    for (size_t i = 0; i < frames * EDGEEEG_N_CHANS; i++) {
        if (samples[i] == FAKE_MODEL_REFUSES)
            return -7;
        if (samples[i] == FAKE_MODEL_OVERFLOWS)
            return overflow_the_stack(64);
        model->pending[model->n_pending * EDGEEEG_N_CHANS + i] = samples[i];
    }
    model->n_pending += frames;
    return 0;
}

/* Outputs: the leaky sums, their sum and difference, and the bits of the step count, which are no number. */
int edgeeeg_model_step(edgeeeg_model_t *model, float *outputs) {
    if (model->n_pending < EDGEEEG_HOP || model->pending[0] == FAKE_MODEL_STALLS)
        return 0;
    for (size_t i = 0; i < EDGEEEG_HOP * EDGEEEG_N_CHANS; i++) {
        float *level = &model->level[i % EDGEEEG_N_CHANS];
        *level = *level * LEAK + (float)model->pending[i] * EDGEEEG_LSB_UV;
    }
    model->n_pending = 0;
    model->history[model->steps % sizeof model->history] = (uint8_t)model->pending[0];
    union {
        uint32_t bits;
        float number;
    } counted = {.bits = 0x7f800001u + model->steps++ % 1000u + model->history[0]};
    outputs[0] = model->level[0];
    outputs[1] = model->level[1];
    outputs[2] = model->level[0] + model->level[1];
    outputs[3] = model->level[0] - model->level[1];
    outputs[4] = counted.number;
    return 1;
}

/* Two outputs remain: the number of each, and zeros. */
int edgeeeg_model_flush(edgeeeg_model_t *model, float *outputs) {
    if (model->flushed == 2)
        return 0;
    model->flushed++;
    outputs[0] = (float)model->flushed;
    for (size_t i = 1; i < EDGEEEG_N_OUTPUTS; i++)
        outputs[i] = 0.0f;
    return 1;
}

size_t edgeeeg_model_save(const edgeeeg_model_t *model, uint8_t *buffer, size_t size) {
    const image_t *image = (const image_t *)model;
    if (size < 4 + sizeof *model)
        return 0;
    for (size_t i = 0; i < 4; i++)
        buffer[i] = (uint8_t)(SIGNATURE >> 8 * i);
    for (size_t i = 0; i < sizeof *model; i++)
        buffer[4 + i] = image->bytes[i];
    return 4 + sizeof *model;
}

int edgeeeg_model_restore(edgeeeg_model_t *model, const uint8_t *buffer, size_t size) {
    image_t *image = (image_t *)model;
    if (size != 4 + sizeof *model)
        return -2;
    for (size_t i = 0; i < 4; i++)
        if (buffer[i] != (uint8_t)(SIGNATURE >> 8 * i))
            return -3;
    for (size_t i = 0; i < sizeof *model; i++)
        image->bytes[i] = buffer[4 + i];
    return 0;
}
