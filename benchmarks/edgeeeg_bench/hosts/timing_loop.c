/* Times each step of a compiled model inside C, so that no interpreter counts. A step takes the samples of a
 * hop from int16 to the outputs: push and step. */
#define _POSIX_C_SOURCE 199309L

#include <time.h>

#include "edgeeeg_model.h"

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

size_t timing_loop_size(void) {
    return sizeof(edgeeeg_model_t);
}

/* Runs `hops` hops from the initial state, `rounds` times over; outputs (rounds hops, EDGEEEG_N_OUTPUTS) and
 * nanoseconds (rounds hops). Returns the number of steps that gave outputs, or a negative error. */
long timing_loop_run(edgeeeg_model_t *model, const int16_t *samples, size_t hops, size_t rounds,
                     float *outputs, int64_t *nanoseconds) {
    long steps = 0;
    edgeeeg_model_init(model);
    for (size_t k = 0; k < hops * rounds; k++) {
        const int16_t *hop = samples + (k % hops) * EDGEEEG_HOP * EDGEEEG_N_CHANS;
        const int64_t start = now();
        const int error = edgeeeg_model_push(model, hop, EDGEEEG_HOP);
        const int ready = edgeeeg_model_step(model, outputs + steps * EDGEEEG_N_OUTPUTS);
        nanoseconds[k] = now() - start;
        if (error) {
            return error;
        }
        steps += ready == 1;
    }
    return steps;
}
