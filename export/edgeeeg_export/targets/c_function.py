"""C99 out for a graph without a time axis: one function of any number of inputs, of any shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from edgeeeg_export.errors import GraphError
from edgeeeg_export.graph import Graph
from edgeeeg_export.targets.c_header import BEGIN_C, END_C, state_struct
from edgeeeg_export.targets.c_layout import Layout, comment, fill, lay_out, start
from edgeeeg_export.targets.c_source import calls, definitions


@dataclass(frozen=True, slots=True)
class CFunction:
    """Generated files by name; shapes of what the function takes and returns, and its struct in bytes."""

    files: Mapping[str, str]
    prefix: str
    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...]]
    struct_bytes: int


def emit_function(graph: Graph) -> CFunction:
    """Generate `NAME.h` and `NAME.c` with `NAME_run`; the runtime headers are those of every program.

    Raises
    ------
    GraphError
        If an input has a time axis: that is a streaming program's.
    """
    for name, type_ in graph.inputs.items():
        if type_.time_axis is not None:
            raise GraphError(f"input '{name}' {type_.shape} has a time axis; generate a streaming program")
    layout = lay_out(graph)
    return CFunction(
        files={f"{graph.name}.h": _header(layout), f"{graph.name}.c": _source(layout)},
        prefix=graph.name,
        inputs={name: type_.shape for name, type_ in graph.inputs.items()},
        outputs={name: graph.tensors[name].shape for name in graph.outputs},
        struct_bytes=layout.state_bytes + 4 * layout.arena,
    )


def _signature(layout: Layout) -> str:
    n = layout.name
    inputs = [f"const float *{layout.inputs[name]}" for name in layout.graph.inputs]
    outputs = [f"float *{_result(layout, name)}" for name in layout.graph.outputs]
    return f"void {n}_run({', '.join((f'{n}_t *model', *inputs, *outputs))})"


def _result(layout: Layout, name: str) -> str:
    return f"output_{layout.outputs[name]}"


def _header(layout: Layout) -> str:
    n, upper, graph = layout.name, layout.name.upper(), layout.graph
    state = "\n".join(f"        {field.member}" for field in layout.states)
    shapes = "".join(
        f" * {kind} {comment(name)} {graph.tensors[name].shape}\n"
        for kind, names in (("input", graph.inputs), ("output", graph.outputs))
        for name in names
    )
    return f"""{layout.banner(f"{n}: one function of whole tensors.")}
#ifndef {upper}_H
#define {upper}_H

{BEGIN_C}
typedef struct {{
{state_struct(state)}    float arena[{layout.arena}];
}} {n}_t;

/* Tensors are contiguous, last axis fastest. The struct is working memory: every call starts anew.
{shapes} */
{_signature(layout)};

{END_C}
#endif
"""


def _source(layout: Layout) -> str:
    graph = layout.graph
    body = [start(f"model->state.{f.name}", f) for f in layout.states]
    body.append(calls(layout))
    body += [
        fill(_result(layout, name), graph.tensors[name].size, f"{layout.pointer(name)}[i]")
        for name in graph.outputs
    ]
    statements = "\n".join(text for text in body if text)
    # nothing needs working memory where all is views and constants, and a graph may have an idle input
    idle = [name for name in ("model", *layout.inputs.values()) if not re.search(rf"\b{name}\b", statements)]
    statements = "\n".join((*(f"    (void){name};" for name in idle), statements))
    return f"""{layout.banner(f"{layout.name}: one function of whole tensors.")}
{definitions(layout)}
{_signature(layout)} {{
{statements}
}}
"""
