/* A view of the float64 twin's state, whose bytes no saved state holds. */
#include "edgeeeg_model.h"

size_t state_door_bytes(void) {
    return sizeof(((edgeeeg_model_t *)0)->state);
}

const void *state_door(const edgeeeg_model_t *model) {
    return &model->state;
}
