"""The state functions of `NAME.c`: init, save and restore, in the byte format of SPEC.md."""

from __future__ import annotations

from collections.abc import Sequence

from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.targets.c_layout import SAVE_HEADER_BYTES, StreamLayout, fill, start
from edgeeeg_export.tensor import BYTES, C_TYPE, SUFFIX, DType


def init(layout: StreamLayout) -> str:
    """`NAME_init`: every float of the struct gets its initial value."""
    n = layout.name
    fills = [start(f"model->state.{f.name}", f) for f in layout.states]
    fills.append(fill("model->arena", layout.arena, literal(0.0)))
    body = "\n".join(fills)
    counters = "".join(f"    model->{name} = {value};\n" for name, value, _ in layout.counters)
    filled = "".join(f"    model->{stream.filled} = 0;\n" for stream in layout.streams)
    filled += "".join(f"    model->{field.start} = 0;\n" for field in layout.sliding)
    return f"int {n}_init({n}_t *model) {{\n{filled}{counters}{body}\n    return 0;\n}}\n"


def signature(layout: StreamLayout) -> str:
    """What a saved state opens with, and the functions that write and read little-endian floats."""
    kinds = sorted({field.dtype for field in layout.states} - {"float32"})
    integers = "".join(_integers(dtype) for dtype in kinds)
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
{integers}"""


def _integers(dtype: DType) -> str:
    """The functions that write and read the integers of one width."""
    kind, unsigned, width = C_TYPE[dtype], f"u{dtype}_t", BYTES[dtype]
    return f"""
static size_t put{SUFFIX[dtype]}(uint8_t *buffer, size_t at, const {kind} *values, size_t count) {{
    for (size_t i = 0; i < {width} * count; i++) {{
        buffer[at++] = (uint8_t)(({unsigned})values[i / {width}] >> (8 * (i % {width})));
    }}
    return at;
}}

static size_t get{SUFFIX[dtype]}(const uint8_t *buffer, size_t at, {kind} *values, size_t count) {{
    for (size_t i = 0; i < count; i++) {{
        {unsigned} bits = 0;
        for (size_t k = 0; k < {width}; k++) {{
            bits = ({unsigned})(bits | ({unsigned})(({unsigned})buffer[at++] << (8 * k)));
        }}
        values[i] = ({dtype}_t)bits;
    }}
    return at;
}}
"""


def save(layout: StreamLayout) -> str:
    """`NAME_save`."""
    n = layout.name
    first, *others = _words(layout)
    counters = "".join(f"    at = put_word(buffer, at, model->{name});\n" for name in others)
    puts = "\n".join(
        f"    at = put{SUFFIX[dtype]}(buffer, at, {pointer}, {size});"
        for pointer, size, dtype in _saved(layout)
    )
    return f"""size_t {n}_save(const {n}_t *model, uint8_t *buffer, size_t size) {{
    if (size < {layout.saved_bytes}) {{
        return 0;
    }}
    for (size_t i = 0; i < sizeof signature; i++) {{
        buffer[i] = signature[i];
    }}
    size_t at = put_word(buffer, sizeof signature, model->{first});
{counters}{puts}
    return at;
}}
"""


def restore(layout: StreamLayout) -> str:
    """`NAME_restore`: everything is checked before anything is changed."""
    n = layout.name
    first, *others = _words(layout)
    counters = "".join(f"    model->{name} = get_word(buffer, at);\n    at += 4;\n" for name in others)
    filled = [
        f"get_word(buffer, sizeof signature{f' + {4 * k}' if k else ''})" for k in range(len(layout.streams))
    ]
    unfit = "".join(
        f"\n        || {word} > {stream.hop}" for word, stream in zip(filled, layout.streams, strict=True)
    )
    kept, waiting = _kept(layout, filled)
    starts = "".join(f"    model->{field.start} = 0;\n" for field in layout.sliding)
    gets = starts + "\n".join(
        f"    at = get{SUFFIX[dtype]}(buffer, at, {pointer}, {size});"
        for pointer, size, dtype in _saved(layout)
    )
    integers = sum(field.saved_bytes for field in layout.states if field.dtype != "float32")
    values = SAVE_HEADER_BYTES + 4 * len(others)
    return f"""int {n}_restore({n}_t *model, const uint8_t *buffer, size_t size) {{
    if (size != {layout.saved_bytes}{unfit}) {{
        return {n.upper()}_ERROR_STATE;
    }}
    for (size_t i = 0; i < sizeof signature; i++) {{
        if (buffer[i] != signature[i]) {{
            return {n.upper()}_ERROR_STATE;
        }}
    }}
    for (size_t i = 0; i < {(layout.saved_bytes - values - integers) // 4}; i++) {{
        const int kept = i >= {waiting} || {kept};
        /* a state never gets rid of a NaN; what is behind the waiting samples is scratch */
        if (kept && (get_word(buffer, {values} + 4 * i) & 0x7FFFFFFF) > 0x7F800000) {{
            return {n.upper()}_ERROR_STATE;
        }}
    }}
    model->{first} = get_word(buffer, sizeof signature);
    size_t at = sizeof signature + 4;
{counters}{gets}
    return 0;
}}
"""


def _kept(layout: StreamLayout, filled: Sequence[str]) -> tuple[str, int]:
    """Whether saved value i is of a sample that waits, in C, and how many values the input buffers are."""
    sizes = [stream.size for stream in layout.streams]
    starts = [sum(sizes[:k]) for k in range(len(sizes))]
    *before, test = (
        f"{f'(i - {start})' if start else 'i'} % {stream.hop} < {word}"
        for start, stream, word in zip(starts, layout.streams, filled, strict=True)
    )
    for earlier, end in zip(reversed(before), reversed(starts), strict=False):
        test = f"(i < {end} ? {earlier} : {test})"
    return test, sum(sizes)


def _saved(layout: StreamLayout) -> list[tuple[str, int, DType]]:
    """Pointer, size and type of what a saved state holds, in order: floats, then integers."""
    floats = sorted(layout.states, key=lambda field: field.dtype != "float32")
    states = [(field.pointer, field.size, field.dtype) for field in floats]
    waiting: list[tuple[str, int, DType]] = [(s.samples, s.size, "float32") for s in layout.streams]
    return [*waiting, *states]


def _words(layout: StreamLayout) -> list[str]:
    """The members that a saved state holds in front, in order: frames that wait, then other counters."""
    return [*(stream.filled for stream in layout.streams), *(name for name, _, _ in layout.counters)]
