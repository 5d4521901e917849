"""`edgeeeg_model.h`: one model under the names that firmware and host runners use for any model."""

from __future__ import annotations

from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.targets.c_header import BEGIN_C, END_C
from edgeeeg_export.targets.c_layout import StreamLayout, fill


def adapter(layout: StreamLayout) -> str:
    """The text of `edgeeeg_model.h`."""
    n = layout.name
    copies, at = [], 0
    for name in layout.graph.outputs:
        size = layout.graph.tensors[name].size
        target = f"(outputs + {at})" if at else "outputs"
        copies.append(fill(target, size, f"values.{layout.outputs[name]}[i]"))
        at += size
    results = "\n".join(copies)
    return f"""{layout.banner(f"{n} under the names that firmware and host runners use for any model.")}
#ifndef EDGEEEG_MODEL_H
#define EDGEEEG_MODEL_H

#include "{n}.h"

#define EDGEEEG_MODEL_HASH "{layout.graph.hash[:16]}"
#define EDGEEEG_N_CHANS {layout.input_type.shape[1]}
#define EDGEEEG_HOP {layout.input_type.shape[2]}
#define EDGEEEG_N_OUTPUTS {layout.n_outputs}
#define EDGEEEG_LSB_UV {literal(layout.lsb)}
#define EDGEEEG_SAVED_BYTES {layout.saved_bytes}

{BEGIN_C}
typedef {n}_t edgeeeg_model_t;

static inline int edgeeeg_model_init(edgeeeg_model_t *model) {{
    return {n}_init(model);
}}

static inline int edgeeeg_model_push(edgeeeg_model_t *model, const int16_t *samples, size_t frames) {{
    return {layout.push}(model, samples, frames);
}}

static inline int edgeeeg_model_step(edgeeeg_model_t *model, float *outputs) {{
    {n}_outputs_t values;
    const int ready = {n}_step(model, &values);
    if (ready != 1) {{
        return ready;
    }}
{results}
    return 1;
}}

{_flush(layout, results)}
static inline size_t edgeeeg_model_save(const edgeeeg_model_t *model, uint8_t *buffer, size_t size) {{
    return {n}_save(model, buffer, size);
}}

static inline int edgeeeg_model_restore(edgeeeg_model_t *model, const uint8_t *buffer, size_t size) {{
    return {n}_restore(model, buffer, size);
}}

/* {n.upper()}_ERROR_FULL and its like are the errors of push and restore */
{END_C}
#endif
"""


def _flush(layout: StreamLayout, results: str) -> str:
    """The flush of a model under the common name; nothing remains of one that is never late."""
    head = "static inline int edgeeeg_model_flush(edgeeeg_model_t *model, float *outputs) {\n"
    if not layout.graph.timing.flush:
        return f"{head}    (void)model;\n    (void)outputs;\n    return 0;\n}}\n"
    n = layout.name
    return f"""{head}    {n}_outputs_t values;
    if ({n}_flush(model, &values) != 1) {{
        return 0;
    }}
{results}
    return 1;
}}
"""
