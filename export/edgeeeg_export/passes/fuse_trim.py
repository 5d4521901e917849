"""Frames cut from the ends of a convolution's result become padding that it does not add.

conv_padded(x)[b : n - a] = conv(x padded by b and a strides less), as each stride of padding is one frame of
the result. A convolution padded on both sides and trimmed at its end ("chomped", as temporal convolutional
networks are written) is causal; by itself neither part streams.
"""

from __future__ import annotations

from dataclasses import replace

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.pad import Pad


def fuse_trim(graph: Graph) -> Graph:
    """Fuse every cut into the convolution that it alone reads, where the convolution pads as much."""
    nodes = list(graph.nodes)
    for trim in graph.nodes:
        maker = next((node for node in nodes if trim.inputs[0] in node.outputs), None)
        alone = len(graph.consumers(trim.inputs[0])) == 1 and trim.inputs[0] not in graph.outputs
        op = None if maker is None or not alone else _less(maker, trim)
        if maker is not None and op is not None:
            nodes[nodes.index(maker)] = replace(maker, op=op, outputs=trim.outputs)
            nodes.remove(trim)
    return graph.with_nodes(tuple(nodes))


def _less(maker: Node, trim: Node) -> Conv | None:
    """The convolution that pads less, or None if the two do not fit."""
    conv, cut = maker.op, trim.op
    if not isinstance(conv, Conv) or not isinstance(cut, Pad) or cut.pads[:2] != ((0, 0), (0, 0)):
        return None
    if any(amount > 0 for pair in cut.pads for amount in pair):
        return None
    before, after = zip(*cut.pads[2:], strict=True)
    steps = zip((*before, *after), conv.strides * 2, strict=True)
    changes = (amount * stride for amount, stride in steps)
    pads = tuple(pad + change for pad, change in zip(conv.pads, changes, strict=True))
    return replace(conv, pads=pads) if min(pads) >= 0 else None
