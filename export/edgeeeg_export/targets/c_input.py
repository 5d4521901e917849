"""The push functions of `NAME.c`: samples of an input, interleaved by channel, any number up to a hop."""

from __future__ import annotations

from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.targets.c_layout import StreamInput, StreamLayout


def push(layout: StreamLayout, stream: StreamInput) -> str:
    """Both push functions of an input: int16 counts, and floats, which must be finite."""
    finite = f"""    for (size_t i = 0; i < frames * {stream.n_chans}; i++) {{
        if (!(samples[i] - samples[i] == 0.0f)) {{ /* infinity or NaN */
            return {layout.name.upper()}_ERROR_INPUT;
        }}
    }}
"""
    sample, function = f"samples[t * {stream.n_chans} + c]", layout.push(stream)
    counts = _push(layout, stream, function, "int16_t", "", f"(float){sample} * {literal(stream.lsb)}")
    return counts + "\n" + _push(layout, stream, f"{function}_f32", "float", finite, sample)


def _push(layout: StreamLayout, stream: StreamInput, function: str, kind: str, check: str, value: str) -> str:
    n, hop = layout.name, stream.hop
    ended = ""
    if layout.graph.timing.flush:
        ended = f"    if (model->flushed > 0) {{\n        return {n.upper()}_ERROR_ENDED;\n    }}\n"
    return f"""int {function}({n}_t *model, const {kind} *samples, size_t frames) {{
{ended}    if (frames > {hop} - model->{stream.filled}) {{
        return {n.upper()}_ERROR_FULL;
    }}
{check}    float *next = {stream.samples} + model->{stream.filled};
    for (size_t t = 0; t < frames; t++) {{
        for (size_t c = 0; c < {stream.n_chans}; c++) {{
            next[c * {hop} + t] = {value};
        }}
    }}
    model->{stream.filled} += (uint32_t)frames;
    return 0;
}}
"""
