"""The state functions of `NAME.c`: init, save and restore, in the byte format of SPEC.md."""

from __future__ import annotations

from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.targets.c_layout import SAVE_HEADER_BYTES, StreamLayout, fill, start


def init(layout: StreamLayout) -> str:
    """`NAME_init`: every float of the struct gets its initial value."""
    n = layout.name
    fills = [start(f"model->state.{f.name}", f) for f in layout.states]
    fills.append(fill("model->arena", layout.arena, literal(0.0)))
    body = "\n".join(fills)
    counters = "".join(f"    model->{name} = {value};\n" for name, value, _ in layout.counters)
    return f"int {n}_init({n}_t *model) {{\n    model->filled = 0;\n{counters}{body}\n    return 0;\n}}\n"


def signature(layout: StreamLayout) -> str:
    """What a saved state opens with, and the functions that write and read little-endian floats."""
    hash_bytes = ", ".join(f"0x{layout.graph.hash[i : i + 2]}" for i in range(0, 16, 2))
    return f"""/* "EEG1", model hash, frames waiting, floats as little-endian bits (SPEC.md) */
static const uint8_t signature[12] = {{'E', 'E', 'G', '1', {hash_bytes}}};

static size_t put_word(uint8_t *buffer, size_t at, uint32_t word) {{
    for (size_t k = 0; k < 4; k++) {{
        buffer[at + k] = (uint8_t)(word >> (8 * k));
    }}
    return at + 4;
}}

static uint32_t get_word(const uint8_t *buffer, size_t at) {{
    uint32_t word = 0;
    for (size_t k = 0; k < 4; k++) {{
        word |= (uint32_t)buffer[at + k] << (8 * k);
    }}
    return word;
}}

static size_t put(uint8_t *buffer, size_t at, const float *values, size_t count) {{
    for (size_t i = 0; i < count; i++) {{
        edgeeeg_float_bits word;
        word.value = values[i];
        at = put_word(buffer, at, (uint32_t)word.bits);
    }}
    return at;
}}

static size_t get(const uint8_t *buffer, size_t at, float *values, size_t count) {{
    for (size_t i = 0; i < count; i++) {{
        edgeeeg_float_bits word;
        word.bits = (int32_t)get_word(buffer, at);
        values[i] = word.value;
        at += 4;
    }}
    return at;
}}
"""


def save(layout: StreamLayout) -> str:
    """`NAME_save`."""
    n = layout.name
    counters = "".join(f"    at = put_word(buffer, at, model->{name});\n" for name, _, _ in layout.counters)
    puts = "\n".join(f"    at = put(buffer, at, {pointer}, {size});" for pointer, size in _saved(layout))
    return f"""size_t {n}_save(const {n}_t *model, uint8_t *buffer, size_t size) {{
    if (size < {layout.saved_bytes}) {{
        return 0;
    }}
    for (size_t i = 0; i < sizeof signature; i++) {{
        buffer[i] = signature[i];
    }}
    size_t at = put_word(buffer, sizeof signature, model->filled);
{counters}{puts}
    return at;
}}
"""


def restore(layout: StreamLayout) -> str:
    """`NAME_restore`: everything is checked before anything is changed."""
    n = layout.name
    counters = "".join(
        f"    model->{name} = get_word(buffer, at);\n    at += 4;\n" for name, _, _ in layout.counters
    )
    gets = "\n".join(f"    at = get(buffer, at, {pointer}, {size});" for pointer, size in _saved(layout))
    hop = layout.input_type.shape[2]
    values = SAVE_HEADER_BYTES + 4 * len(layout.counters)
    words = (layout.saved_bytes - values) // 4
    return f"""int {n}_restore({n}_t *model, const uint8_t *buffer, size_t size) {{
    if (size != {layout.saved_bytes}
        || get_word(buffer, sizeof signature) > {hop}) {{
        return {n.upper()}_ERROR_STATE;
    }}
    for (size_t i = 0; i < sizeof signature; i++) {{
        if (buffer[i] != signature[i]) {{
            return {n.upper()}_ERROR_STATE;
        }}
    }}
    for (size_t i = 0; i < {words}; i++) {{
        const int kept = i >= {layout.input_type.size} || i % {hop} < get_word(buffer, sizeof signature);
        /* a state never gets rid of a NaN; what is behind the waiting samples is scratch */
        if (kept && (get_word(buffer, {values} + 4 * i) & 0x7FFFFFFF) > 0x7F800000) {{
            return {n.upper()}_ERROR_STATE;
        }}
    }}
    model->filled = get_word(buffer, sizeof signature);
    size_t at = sizeof signature + 4;
{counters}{gets}
    return 0;
}}
"""


def _saved(layout: StreamLayout) -> list[tuple[str, int]]:
    """Pointer and size of what a saved state holds, in order."""
    states = [(f"model->state.{field.name}", field.size) for field in layout.states]
    return [("model->arena", layout.input_type.size), *states]
