"""`edgeeeg_model.h`: one model under the names that firmware and host runners use for any model."""

from __future__ import annotations

from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.targets.c_header import BEGIN_C, END_C
from edgeeeg_export.targets.c_layout import StreamInput, StreamLayout, comment, fill


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
    (only, *others) = layout.streams
    sizes, pushes = _of_several(layout) if others else _of_one(layout, only)
    return f"""{layout.banner(f"{n} under the names that firmware and host runners use for any model.")}
#ifndef EDGEEEG_MODEL_H
#define EDGEEEG_MODEL_H

#include "{n}.h"

#define EDGEEEG_MODEL_HASH "{layout.graph.hash[:16]}"
{sizes}#define EDGEEEG_SAVED_BYTES {layout.saved_bytes}

{BEGIN_C}
typedef {n}_t edgeeeg_model_t;

static inline int edgeeeg_model_init(edgeeeg_model_t *model) {{
    return {n}_init(model);
}}

{pushes}
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


def _of_one(layout: StreamLayout, stream: StreamInput) -> tuple[str, str]:
    """Sizes, and the function that takes samples, of a model of one input."""
    sizes = f"""#define EDGEEEG_N_CHANS {stream.n_chans}
#define EDGEEEG_HOP {stream.hop}
#define EDGEEEG_N_OUTPUTS {layout.n_outputs}
#define EDGEEEG_LSB_UV {literal(stream.lsb)}
"""
    arguments = "edgeeeg_model_t *model, const int16_t *samples, size_t frames"
    return (
        sizes,
        f"""static inline int edgeeeg_model_push({arguments}) {{
    return {layout.push(stream)}(model, samples, frames);
}}
""",
    )


def _of_several(layout: StreamLayout) -> tuple[str, str]:
    """The same of a model of several inputs, which are counted in their order."""
    sizes = f"#define EDGEEEG_N_INPUTS {len(layout.streams)}\n#define EDGEEEG_N_OUTPUTS {layout.n_outputs}\n"
    channels = ", ".join(str(stream.n_chans) for stream in layout.streams)
    cases = "".join(
        f"""    case {k}: /* {comment(stream.name)} */
        room = {stream.hop} - model->{stream.filled};
        frames = frames < room ? frames : room;
        error = {layout.push(stream)}(model, samples, frames);
        break;
"""
        for k, stream in enumerate(layout.streams)
    )
    return (
        sizes,
        f"""static inline size_t edgeeeg_model_n_chans(size_t input) {{
    static const size_t n_chans[EDGEEEG_N_INPUTS] = {{{channels}}};
    return n_chans[input];
}}

/* As many of the frames as the step still lacks of this input: their number, or a negative error. */
static inline long edgeeeg_model_take(edgeeeg_model_t *model, size_t input, const int16_t *samples,
                                      size_t frames) {{
    size_t room;
    int error;
    switch (input) {{
{cases}    default:
        return {layout.name.upper()}_ERROR_INPUT;
    }}
    return error ? error : (long)frames;
}}
""",
    )


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
