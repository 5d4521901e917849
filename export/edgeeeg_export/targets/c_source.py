"""`NAME.c`: weights, one function a layer, and the step that calls them in order."""

from __future__ import annotations

from collections.abc import Iterator

from edgeeeg_export.graph import Node
from edgeeeg_export.kernels.choice import choose, guard
from edgeeeg_export.kernels.kernel import FAMILIES, Family, Packing
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.cache import Cache
from edgeeeg_export.ops.op import CCall
from edgeeeg_export.passes.plan import SCRATCH
from edgeeeg_export.targets.c_input import push
from edgeeeg_export.targets.c_layout import Field, Layout, StreamInput, StreamLayout, array, comment, fill
from edgeeeg_export.targets.c_state import init, restore, save, signature
from edgeeeg_export.tensor import C_TYPE


def source(layout: StreamLayout) -> str:
    """The text of `NAME.c`."""
    n, graph = layout.name, layout.graph
    results = "\n".join(
        fill(f"outputs->{layout.outputs[name]}", graph.tensors[name].size, f"{layout.pointer(name)}[i]")
        for name in graph.outputs
    )
    pushes = "\n".join(push(layout, stream) for stream in layout.streams)
    lacking = "\n        || ".join(f"model->{stream.filled} < {stream.hop}" for stream in layout.streams)
    taken = "\n".join(f"    model->{stream.filled} = 0;" for stream in layout.streams)
    return f"""{layout.banner(f"{n}: streaming step.")}
{definitions(layout)}
{init(layout)}
{pushes}
int {n}_step({n}_t *model, {n}_outputs_t *outputs) {{
    if ({lacking}) {{
        return 0;
    }}
{taken}
{calls(layout)}
{_warm_up(layout)}{results}
    return 1;
}}
{_flush(layout)}
{signature(layout)}
{save(layout)}
{restore(layout)}"""


def _warm_up(layout: StreamLayout) -> str:
    """The end of a step whose output would lie before the start of the recording."""
    if not layout.graph.timing.delay:
        return ""
    return "    if (model->early > 0) {\n        model->early--;\n        return 2;\n    }\n"


def _flush(layout: StreamLayout) -> str:
    """`NAME_flush`, where outputs remain after the last sample."""
    n, steps = layout.name, layout.graph.timing.flush
    if not steps:
        return ""
    silence = "\n".join(
        f"{fill(_place(stream), stream.size, literal(0.0), depth=2)}\n"
        f"        model->{stream.filled} = {stream.hop};"
        for stream in layout.streams
    )
    end = f"        {layout.ended} = model->flushed == 0 ? 1.0f : {layout.ended};\n" if layout.ended else ""
    return f"""
int {n}_flush({n}_t *model, {n}_outputs_t *outputs) {{
    while (model->flushed < {steps}) {{
{end}        model->flushed++;
{silence}
        if ({n}_step(model, outputs) == 1) {{
            return 1;
        }}
    }}
    return 0;
}}
"""


def _place(stream: StreamInput) -> str:
    """Where its samples wait, as an expression that may be indexed."""
    return f"({stream.samples})" if stream.offset else stream.samples


def definitions(layout: Layout) -> str:
    """Includes, weights, and one function for each layer that computes something."""
    constants = "\n".join(_constants(layout))
    layers = "\n".join(_layer(layout, node) for node in _computed(layout))
    return f"""#include "{layout.name}.h"

#include "edgeeeg_kernels.h"

/* one symbol per layer, so that a profiler can tell them apart */
#if defined(__GNUC__)
#define LAYER static __attribute__((noinline))
#else
#define LAYER static
#endif

{constants}
{layers}"""


def _constants(layout: Layout) -> Iterator[str]:
    """Definitions of all constants, each in the forms that the kernels of its readers take."""
    for name, value in layout.graph.constants.items():
        for packing, families in _forms(layout, name).items():
            if packing is None:
                text = array(layout.constants[name], name, value)
            else:
                packed = packing.pack(value)
                text = array(layout.constants[name] + packing.suffix, name, packed, packing.c_type)
            yield text if len(families) == len(FAMILIES) else f"{guard(families)}\n{text}#endif\n"


def _forms(layout: Layout, constant: str) -> dict[Packing | None, list[Family]]:
    """The families of kernels that read a constant in a packing, or as it is."""
    graph = layout.graph
    forms: dict[Packing | None, set[Family]] = {}
    readers = graph.consumers(constant)
    for node in readers:
        kernels = node.op.kernels(graph.types(node.inputs))
        if not kernels or node.inputs.index(constant) != 1:
            forms.setdefault(None, set()).update(FAMILIES)
        else:
            for family, kernel in choose(kernels).items():
                forms.setdefault(kernel.packing, set()).add(family)
    if constant in graph.outputs or not readers:
        forms[None] = set(FAMILIES)
    return {packing: sorted(families, key=FAMILIES.index) for packing, families in forms.items()}


def calls(layout: Layout) -> str:
    """Statements that call the layers in order."""
    return "\n".join(f"    {_call(layout, node)}" for node in _computed(layout))


def _computed(layout: Layout) -> tuple[Node, ...]:
    return tuple(node for node in layout.graph.nodes if node.name not in layout.plan.views)


def _layer(layout: Layout, node: Node) -> str:
    graph = layout.graph
    parameters: list[str] = []
    inputs: list[str] = []
    for name in node.inputs:
        if name in graph.constants:
            inputs.append(layout.constants[name])
        else:
            inputs.append(f"x{len(parameters)}")
            parameters.append(f"const {C_TYPE[graph.tensors[name].dtype]} *x{len(parameters)}")
    outputs = tuple(f"y{k}" for k in range(len(node.outputs)))
    states = tuple(f"s{k}" for k in range(len(_passed_states(layout, node))))
    kinds = [graph.tensors[name].dtype for name in node.outputs]
    kinds += [field.dtype for field in _passed_states(layout, node)]
    parameters += [f"{C_TYPE[dtype]} *{name}" for dtype, name in zip(kinds, (*outputs, *states), strict=True)]
    scratch = "scratch" if node.name + SCRATCH in layout.plan.places else ""
    if scratch:
        parameters.append(f"float *{scratch}")
    types = (graph.types(node.inputs), graph.types(node.outputs))
    call = CCall(tuple(inputs), outputs, states, *types, scratch)
    code = node.op.emit_c(call)
    if isinstance(node.op, Cache) and (form := layout.fields[node.name][0].form):
        parameters.append("uint32_t *start")
        code = node.op.emit_sliding_c(call, form, "start")
    body = "\n".join(f"    {line}" for line in code.splitlines())
    shapes = " -> ".join(str(graph.tensors[k].shape) for k in (node.inputs[0], node.outputs[0]))
    return (
        f"/* {comment(node.path or node.name)}: {node.op.kind} {shapes} */\n"
        f"LAYER void {layout.layers[node.name]}({', '.join(parameters)}) {{\n{body}\n}}\n"
    )


def _call(layout: Layout, node: Node) -> str:
    tensors = [name for name in node.inputs if name not in layout.graph.constants]
    arguments = [layout.pointer(name) for name in (*tensors, *node.outputs)]
    if isinstance(node.op, Cache) and (field := layout.fields[node.name][0]).form:
        arguments[-1:] = [f"model->state.{field.name}", f"&model->{field.start}"]
    arguments += [f"model->state.{field.name}" for field in _passed_states(layout, node)]
    if node.name + SCRATCH in layout.plan.places:
        arguments.append(layout.scratch(node))
    return f"{layout.layers[node.name]}({', '.join(arguments)});"


def _passed_states(layout: Layout, node: Node) -> tuple[Field, ...]:
    """The states that a layer takes as arguments; a cache's state is its output."""
    return () if isinstance(node.op, Cache) else layout.fields[node.name]
