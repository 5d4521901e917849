"""Spikes from outside: cut a graph at its spiking layers, so that two targets can be compared layer by layer.

A float spike can flip where the membrane passes within rounding of the threshold, and one flip moves
everything behind it. With a reference's spikes forced, what remains is the rounding of each layer.
"""

from __future__ import annotations

from dataclasses import replace

from edgeeeg_export.graph import Graph
from edgeeeg_export.ops.fresh import Fresh
from edgeeeg_export.ops.guarded import Guarded
from edgeeeg_export.ops.per_window import PerWindow
from edgeeeg_export.ops.spiking import Spiking


def forced_names(spikes: str) -> tuple[str, str]:
    """The two inputs that `force_spikes` adds for a layer: its spikes, and which membranes are reset."""
    return f"{spikes}.forced", f"{spikes}.reset"


def spiking(graph: Graph) -> tuple[str, ...]:
    """The outputs of the spiking layers."""
    return tuple(node.outputs[0] for node in graph.nodes if isinstance(node.op.core, Spiking))


def force_spikes(graph: Graph) -> Graph:
    """Every reader of a spiking layer reads an input instead; the layer's own spikes become an output."""
    inputs = dict(graph.inputs)
    renamed: dict[str, str] = {}
    nodes = []
    for node in graph.nodes:
        sources = tuple(renamed.get(name, name) for name in node.inputs)
        op, core = node.op, node.op.core
        if isinstance(core, Spiking):
            own, forced = core.own_operands(), forced_names(node.outputs[0])
            inputs |= dict.fromkeys(forced, graph.tensors[node.outputs[0]])
            renamed[node.outputs[0]] = forced[0]
            clock = sources[-1:] if isinstance(op, Guarded) else ()
            sources = (*sources[:own], *forced, *clock)
            if isinstance(op, Guarded):
                op = replace(op, axes=(*op.axes[:own], *op.result_axes * 2))
            elif isinstance(op, PerWindow) and isinstance(op.op, Fresh):
                axes = op.op.axes
                fresh = replace(op.op, axes=(*axes[:own], axes[0], axes[0]))
                op = replace(op, op=fresh, varying=(*op.varying[:own], True, True))
        nodes.append(replace(node, op=op, inputs=sources))
    outputs = (*graph.outputs, *(name for name in spiking(graph) if name not in graph.outputs))
    return Graph(graph.name, inputs, outputs, tuple(nodes), graph.constants, graph.timing)
