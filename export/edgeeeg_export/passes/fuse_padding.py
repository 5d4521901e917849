"""Zeros around a tensor, then a window over it, become one operator that pads: a stream can cache its past.

conv(pad(x)) = conv_padded(x), since both multiply the same zeros, and reshape(pad(x)) = pad(reshape(x)) on
the way there. Padding of time by itself cannot stream, as it makes frames that no sample pays for; within a
convolution it is the past that a cache holds.
"""

from __future__ import annotations

from dataclasses import replace

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.pad import Pad


def fuse_padding(graph: Graph) -> Graph:
    """Fuse every zero padding into the operators behind it, if all that read it can pad themselves.

    On the way it moves behind operators that only rearrange; in front of any other it stays.
    """
    waiting = [node.name for node in graph.nodes if _pads_zeros(node)]
    while waiting:
        pad = next(node for node in graph.nodes if node.name == waiting[-1])
        nodes = _moved(graph, pad)
        if nodes is None:
            nodes = _fused(graph, pad)
            waiting.pop()
        if nodes is not None:
            graph = graph.with_nodes(nodes)
    return graph


def _pads_zeros(node: Node) -> bool:
    return isinstance(node.op, Pad) and (node.op.mode, node.op.value) == ("constant", 0.0)


def _moved(graph: Graph, pad: Node) -> tuple[Node, ...] | None:
    """The graph's nodes with this one behind its only reader, or None if that does not just rearrange."""
    readers = graph.consumers(pad.outputs[0])
    if not isinstance(pad.op, Pad) or pad.outputs[0] in graph.outputs or len(readers) != 1:
        return None
    (reader,) = readers
    pads = reader.op.padding_behind(graph.tensors[pad.outputs[0]], pad.op.pads)
    if pads is None:
        return None
    bare = replace(reader, inputs=pad.inputs, outputs=pad.outputs)
    moved = replace(pad, op=replace(pad.op, pads=pads), inputs=pad.outputs, outputs=reader.outputs)
    nodes = [node for node in graph.nodes if node is not pad]
    at = nodes.index(reader)
    return (*nodes[:at], bare, moved, *nodes[at + 1 :])


def _fused(graph: Graph, pad: Node) -> tuple[Node, ...] | None:
    """The graph's nodes without this one, or None if it has to stay."""
    (padded,) = pad.outputs
    readers = graph.consumers(padded)
    elsewhere = any(padded in reader.inputs[1:] for reader in readers)
    if not isinstance(pad.op, Pad) or padded in graph.outputs or elsewhere:
        return None
    nodes = []
    for node in graph.nodes:
        if node in readers:
            op = node.op.with_padding(pad.op.pads)
            if op is None:
                return None
            nodes.append(replace(node, op=op, inputs=(*pad.inputs, *node.inputs[1:])))
        elif node is not pad:
            nodes.append(node)
    return tuple(nodes)
