"""`NAME.h`: the struct of one model instance and the functions that work on it."""

from __future__ import annotations

from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.targets.c_layout import StreamInput, StreamLayout, comment

BEGIN_C = """\
#ifdef __cplusplus
extern "C" {
#endif
"""
END_C = """\
#ifdef __cplusplus
}
#endif
"""
"""Around the declarations of a header: a C++ program looks for the names that C gives them."""


def header(layout: StreamLayout) -> str:
    """The text of `NAME.h`."""
    n, upper, graph = layout.name, layout.name.upper(), layout.graph
    streams = layout.streams
    state = "\n".join(f"        {field.member}" for field in layout.states)
    outputs = "\n".join(
        f"    float {layout.outputs[name]}[{graph.tensors[name].size}]; "
        f"/* {comment(name)} {graph.tensors[name].shape} */"
        for name in graph.outputs
    )
    wide = any(field.dtype in ("int16", "int32") for field in layout.states)
    integers = '\n#include "edgeeeg_integers.h"\n' if wide else ""
    timing = graph.timing
    counters = "".join(f"    uint32_t {name}; /* {what} */\n" for name, _, what in layout.counters)
    ended = (
        f", /* a saved state of another model, or of another size */\n"
        f"    {upper}_ERROR_ENDED = -4  /* the recording was ended by a flush; init begins another */"
        if timing.flush
        else "  /* a saved state of another model, or of another size */"
    )
    early = "; 2: a step that comes before the first output" if timing.delay else ""
    flush = ""
    if timing.flush:
        flush = f"""
/* After the last sample: 1 while outputs remain, {timing.flush} in all, then 0. Frames that fill no step are
 * lost, and only init makes the model run again. */
int {n}_flush({n}_t *model, {n}_outputs_t *outputs);
"""
    consumed = " and ".join(_consumed(stream) for stream in streams)
    sizes = "".join(
        f"    {upper}_N_CHANS{stream.suffix} = {stream.n_chans},\n"
        f"    {upper}_HOP{stream.suffix} = {stream.hop},\n"
        for stream in streams
    )
    filled = "".join(
        f"    uint32_t {stream.filled}; /* frames{_of(stream)} that wait in the arena */\n"
        for stream in streams
    )
    starts = "".join(
        f"    uint32_t {field.start}; /* where in state.{field.name} the window begins */\n"
        for field in layout.sliding
    )
    members = filled + counters + starts + state_struct(state)
    pushes = "".join(
        f"int {layout.push(stream)}{variant}({n}_t *model, const {kind} *samples, size_t frames);\n"
        for stream in streams
        for variant, kind in (("", "int16_t"), ("_f32", "float"))
    )
    worth = ", ".join(f"{literal(stream.lsb)}{_of(stream)}" for stream in streams)
    return f"""{layout.banner(f"{n}: one step consumes {consumed}.")}
#ifndef {upper}_H
#define {upper}_H

#include <stddef.h>
#include <stdint.h>
{integers}
{BEGIN_C}
enum {{
{sizes}    {upper}_SAVED_BYTES = {layout.saved_bytes},
    {upper}_ERROR_FULL = -1,  /* pushed more frames than one step takes; nothing was taken */
    {upper}_ERROR_INPUT = -2, /* a sample is not finite; nothing was taken */
    {upper}_ERROR_STATE = -3{ended}
}};

typedef struct {{
{members}    float arena[{layout.arena}]; /* samples wait first: (channels, frames) */
}} {n}_t;

typedef struct {{
{outputs}
}} {n}_outputs_t;

int {n}_init({n}_t *model);

/* Append frames, interleaved by channel; a count is worth {worth}. 0, or a negative error. */
{pushes}
/* 1: outputs are ready; 0: more samples are needed{early}. */
int {n}_step({n}_t *model, {n}_outputs_t *outputs);
{flush}
/* Bytes written, 0 if they do not fit; then 0, or a negative error that leaves the model as it was: bytes of
 * another model, of another size, or with a value that is not a number. */
size_t {n}_save(const {n}_t *model, uint8_t *buffer, size_t size);
int {n}_restore({n}_t *model, const uint8_t *buffer, size_t size);

{END_C}
#endif
"""


def _consumed(stream: StreamInput) -> str:
    return f"{stream.hop} frames of {stream.n_chans} channels{_of(stream)}"


def _of(stream: StreamInput) -> str:
    """Which of several inputs."""
    return f" of {comment(stream.name)}" if stream.suffix else ""


def state_struct(members: str) -> str:
    """The states as one struct; C99 has no empty struct, so a model without states has none."""
    return f"    struct {{\n{members}\n    }} state;\n" if members else ""
