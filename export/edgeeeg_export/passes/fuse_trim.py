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
from edgeeeg_export.passes.rewriting import Change, Rewritten, maker, read_elsewhere, rewrite


def fuse_trim(graph: Graph) -> Rewritten:
    """Fuse every cut into the convolution that it alone reads, where the convolution pads as much."""
    return rewrite(graph, _attempt)


def _attempt(graph: Graph, trim: Node) -> Change | str | None:
    if not isinstance(trim.op, Pad) or not any(amount < 0 for pair in trim.op.pads for amount in pair):
        return None
    conv = maker(graph, trim.inputs[0])
    if conv is None or not isinstance(conv.op, Conv):
        return None
    shared = read_elsewhere(graph, trim.inputs[0])
    if shared is not None:
        return f"its cut does not become less padding, as {shared}"
    op = _less(conv.op, trim.op)
    if op is None:
        return (
            f"it cuts {trim.op.pads} elements of {conv.label}, which pads {conv.op.pads}: not padding alone"
        )
    cut = replace(conv, op=op, outputs=trim.outputs)
    return Change((conv, trim), (cut,), f"its cut became padding {op.pads} of {conv.label}")


def _less(conv: Conv, cut: Pad) -> Conv | None:
    """The convolution that pads less, or None if the two do not fit."""
    if cut.pads[:2] != ((0, 0), (0, 0)) or any(amount > 0 for pair in cut.pads for amount in pair):
        return None
    before, after = zip(*cut.pads[2:], strict=True)
    steps = zip((*before, *after), conv.strides * 2, strict=True)
    changes = (amount * stride for amount, stride in steps)
    pads = tuple(pad + change for pad, change in zip(conv.pads, changes, strict=True))
    return replace(conv, pads=pads) if min(pads) >= 0 else None
