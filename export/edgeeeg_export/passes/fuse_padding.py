"""Zeros around a tensor, then a window over it, become one operator that pads: a stream can cache its past.

conv(pad(x)) = conv_padded(x), since both multiply the same zeros. Padding of time by itself cannot stream, as
it makes frames that no sample pays for; within a convolution it is the past that a cache holds.
"""

from __future__ import annotations

from dataclasses import replace

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.pad import Pad


def fuse_padding(graph: Graph) -> Graph:
    """Fuse every zero padding into the operators behind it, if all that read it can pad themselves."""
    for pad in graph.nodes:
        nodes = _fused(graph, pad)
        if nodes is not None:
            graph = graph.with_nodes(nodes)
    return graph


def _fused(graph: Graph, pad: Node) -> tuple[Node, ...] | None:
    """The graph's nodes without this one, or None if it has to stay."""
    if not isinstance(pad.op, Pad) or (pad.op.mode, pad.op.value) != ("constant", 0.0):
        return None
    (padded,) = pad.outputs
    readers = graph.consumers(padded)
    if padded in graph.outputs or any(padded in reader.inputs[1:] for reader in readers):
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
