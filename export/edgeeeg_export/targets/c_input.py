"""The push functions of `NAME.c`: samples in, interleaved by channel, any number up to a hop."""

from __future__ import annotations

from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.targets.c_layout import StreamLayout


def push(layout: StreamLayout) -> str:
    """Both push functions: int16 counts, and floats, which must be finite."""
    channels = layout.input_type.shape[1]
    finite = f"""    for (size_t i = 0; i < frames * {channels}; i++) {{
        if (!(samples[i] - samples[i] == 0.0f)) {{ /* infinity or NaN */
            return {layout.name.upper()}_ERROR_INPUT;
        }}
    }}
"""
    sample = f"samples[t * {channels} + c]"
    counts = _push(layout, layout.push, "int16_t", "", f"(float){sample} * {literal(layout.lsb)}")
    return counts + "\n" + _push(layout, f"{layout.push}_f32", "float", finite, sample)


def _push(layout: StreamLayout, function: str, kind: str, check: str, value: str) -> str:
    n = layout.name
    channels, hop = layout.input_type.shape[1:]
    ended = ""
    if layout.graph.timing.flush:
        ended = f"    if (model->flushed > 0) {{\n        return {n.upper()}_ERROR_ENDED;\n    }}\n"
    return f"""int {function}({n}_t *model, const {kind} *samples, size_t frames) {{
{ended}    if (frames > {hop} - model->filled) {{
        return {n.upper()}_ERROR_FULL;
    }}
{check}    float *next = model->arena + model->filled;
    for (size_t t = 0; t < frames; t++) {{
        for (size_t c = 0; c < {channels}; c++) {{
            next[c * {hop} + t] = {value};
        }}
    }}
    model->filled += (uint32_t)frames;
    return 0;
}}
"""
