"""Roundings from outside: cut a graph of integers where floats are rounded, as `force_spikes` does at spikes.

A float that another runtime computes differs from ours in its last bit, and where it lies within that of the
border between two integers, one step apart is what everything behind it sees. With the integers of a
reference forced, what remains is the rounding of each layer; and how far its own integers are from them.
"""

from __future__ import annotations

from dataclasses import replace

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.per_window import PerWindow
from edgeeeg_export.ops.quantize_linear import QuantizeLinear
from edgeeeg_export.ops.quantized_recurrence import QuantizedRecurrence
from edgeeeg_export.tensor import TensorType


def forced_integers(name: str) -> str:
    """The input that stands for the integers of a tensor."""
    return f"{name}.forced"


def forced_memory(name: str, memory: str) -> str:
    """The input that has what every step of the recurrence that makes `name` finds of a memory."""
    return f"{name}.{memory}.forced"


def rounded(graph: Graph) -> tuple[str, ...]:
    """Integers that are rounded from floats which another runtime may compute in other last bits."""
    return tuple(node.outputs[0] for node in graph.nodes if _rounds(graph, node))


def recurrent(graph: Graph) -> tuple[Node, ...]:
    """Recurrences whose steps round what they find, alone or on each window apart."""
    return tuple(
        node
        for node in graph.nodes
        if isinstance(node.op.core, QuantizedRecurrence)
        and (node.op is node.op.core or (isinstance(node.op, PerWindow) and node.op.op is node.op.core))
    )


def force_roundings(graph: Graph) -> Graph:
    """Every reader of such integers reads an input instead, and every step of a recurrence its memories."""
    inputs, renamed = dict(graph.inputs), {name: forced_integers(name) for name in rounded(graph)}
    inputs |= {renamed[name]: graph.tensors[name] for name in renamed}
    within = {node.name for node in recurrent(graph)}
    nodes = []
    for node in graph.nodes:
        node = replace(node, inputs=tuple(renamed.get(name, name) for name in node.inputs))
        if node.name in within:
            y = node.outputs[0]
            names = tuple(forced_memory(y, memory) for memory in _memories(node))
            inputs |= dict.fromkeys(names, replace(graph.tensors[y], dtype="float32"))
            op = node.op
            if isinstance(op, PerWindow):
                op = replace(op, varying=(*op.varying, *(True,) * len(names)))
            node = replace(node, op=op, inputs=(*node.inputs, *names))
        nodes.append(node)
    own = tuple(name for name in renamed if name not in graph.outputs)
    return Graph(graph.name, inputs, (*graph.outputs, *own), tuple(nodes), graph.constants, graph.timing)


def _memories(node: Node) -> tuple[str, ...]:
    core = node.op.core
    return core.memories if isinstance(core, QuantizedRecurrence) else ()


def _rounds(graph: Graph, node: Node) -> bool:
    if isinstance(node.op.core, QuantizeLinear):
        return node.inputs[0] not in graph.inputs  # samples are what they are
    whole: TensorType = graph.tensors[node.outputs[0]]
    return isinstance(node.op.core, QuantizedRecurrence) and whole.dtype != "float32"
