/* A model with state and the interface of an export, small enough to compute by hand: two channels, hop 4. */
#ifndef EDGEEEG_MODEL_H
#define EDGEEEG_MODEL_H

#include <stddef.h>
#include <stdint.h>

#define EDGEEEG_MODEL_HASH  "0123456789abcdef"
#define EDGEEEG_N_CHANS     2
#define EDGEEEG_HOP         4
#define EDGEEEG_N_OUTPUTS   5 /* more bytes than the samples of a step, so that they bound a message */
#define EDGEEEG_LSB_UV      0.125f
#define EDGEEEG_SAVED_BYTES 1200

/* Samples that lead to an error, to a stack overflow, and to a step that never gives its outputs. */
#define FAKE_MODEL_REFUSES   ((int16_t)-32768)
#define FAKE_MODEL_OVERFLOWS ((int16_t)-32767)
#define FAKE_MODEL_STALLS    ((int16_t)-32766)

typedef struct {
    float level[EDGEEEG_N_CHANS]; /* µV, a leaky sum */
    uint32_t steps;
    uint32_t n_pending; /* frames */
    uint32_t flushed;   /* outputs given since the recording ended */
    int16_t pending[EDGEEEG_HOP * EDGEEEG_N_CHANS];
    uint8_t history[1148]; /* so that a saved state takes several messages */
} edgeeeg_model_t;

int edgeeeg_model_init(edgeeeg_model_t *model);
int edgeeeg_model_push(edgeeeg_model_t *model, const int16_t *samples, size_t frames);
int edgeeeg_model_step(edgeeeg_model_t *model, float *outputs);
int edgeeeg_model_flush(edgeeeg_model_t *model, float *outputs);
size_t edgeeeg_model_save(const edgeeeg_model_t *model, uint8_t *buffer, size_t size);
int edgeeeg_model_restore(edgeeeg_model_t *model, const uint8_t *buffer, size_t size);

#endif
