/* A shared library's door to the model behind edgeeeg_model.h: plain symbols that any language can call. */
#include "edgeeeg_model.h"

size_t edgeeeg_host_size(void) {
    return sizeof(edgeeeg_model_t);
}

int edgeeeg_host_init(edgeeeg_model_t *model) {
    return edgeeeg_model_init(model);
}

#ifdef EDGEEEG_N_INPUTS
/* Push frames[k] frames of samples[k] into each input k and step whenever all are full; both move on by what
 * was taken. What is left is more of one input than the next step takes, which still lacks another. Returns
 * the number of outputs, or a negative error. */
long edgeeeg_host_run_inputs(edgeeeg_model_t *model, const int16_t *samples[], size_t frames[],
                             float *outputs) {
    long steps = 0;
    for (;;) {
        for (size_t k = 0; k < EDGEEEG_N_INPUTS; k++) {
            const long taken = edgeeeg_model_take(model, k, samples[k], frames[k]);
            if (taken < 0) {
                return taken;
            }
            samples[k] += (size_t)taken * edgeeeg_model_n_chans(k);
            frames[k] -= (size_t)taken;
        }
        const int ready = edgeeeg_model_step(model, outputs + steps * EDGEEEG_N_OUTPUTS);
        if (ready == 0) {
            return steps;
        }
        steps += ready == 1;
    }
}
#else
/* Push `frames` frames and step whenever a hop is full. Returns the number of outputs, or a negative error;
 * `outputs` must hold EDGEEEG_N_OUTPUTS values for each hop that can fill up. */
long edgeeeg_host_run(edgeeeg_model_t *model, const int16_t *samples, size_t frames, float *outputs) {
    long steps = 0;
    while (frames > 0) {
        const size_t free_frames = EDGEEEG_HOP - model->filled;
        const size_t taken = frames < free_frames ? frames : free_frames;
        const int error = edgeeeg_model_push(model, samples, taken);
        if (error) {
            return error;
        }
        samples += taken * EDGEEEG_N_CHANS;
        frames -= taken;
        steps += edgeeeg_model_step(model, outputs + steps * EDGEEEG_N_OUTPUTS) == 1;
    }
    return steps;
}
#endif

/* Outputs that remain after the last sample, at most `room` of them; returns their number. */
long edgeeeg_host_flush(edgeeeg_model_t *model, float *outputs, size_t room) {
    long steps = 0;
    while ((size_t)steps < room && edgeeeg_model_flush(model, outputs + steps * EDGEEEG_N_OUTPUTS)) {
        steps++;
    }
    return steps;
}

size_t edgeeeg_host_save(const edgeeeg_model_t *model, uint8_t *buffer, size_t size) {
    return edgeeeg_model_save(model, buffer, size);
}

int edgeeeg_host_restore(edgeeeg_model_t *model, const uint8_t *buffer, size_t size) {
    return edgeeeg_model_restore(model, buffer, size);
}
