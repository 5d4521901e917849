"""Zeros around a tensor, then a window over it, become one operator that pads: a stream can cache its past.

conv(pad(x)) = conv_padded(x), since both multiply the same zeros, and reshape(pad(x)) = pad(reshape(x)) on
the way there. Padding of time by itself cannot stream, as it makes frames that no sample pays for; within a
convolution it is the past that a cache holds.
"""

from __future__ import annotations

from dataclasses import replace

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.pad import Pad
from edgeeeg_export.passes.rewriting import Change, Rewritten, fresh, rewrite


def fuse_padding(graph: Graph) -> Rewritten:
    """Fuse every zero padding into the operators behind it, if all that read it can pad themselves.

    On the way it moves behind operators that only rearrange; in front of any other it stays.
    """
    return rewrite(graph, _attempt)


def _attempt(graph: Graph, pad: Node) -> Change | str | None:
    if not isinstance(pad.op, Pad) or (pad.op.mode, pad.op.value) != ("constant", 0.0):
        return None
    (padded,) = pad.outputs
    readers = graph.consumers(padded)
    if padded in graph.outputs:
        return "its zeros stay, as its result is an output of the model"
    if len(readers) == 1:
        moved = _moved(graph, pad, pad.op, readers[0])
        if moved is not None:
            return moved
    fused: list[Node] = []
    for reader in readers:
        op = None if padded in reader.inputs[1:] else reader.op.with_padding(pad.op.pads)
        if op is None:
            return f"its zeros {pad.op.pads} stay, as {reader.label} behind it does not pad so itself"
        fused.append(replace(reader, op=op, inputs=(*pad.inputs, *reader.inputs[1:])))
    if not readers:
        return None
    # the readers stay where they are: a node between them may read the first
    first, last = graph.places((pad, readers[-1]))
    between = graph.nodes[first : last + 1]
    padding = {node.name: node for node in fused}
    kept = tuple(padding.get(node.name, node) for node in between if node is not pad)
    into = ", ".join(reader.label for reader in readers)
    return Change(between, kept, f"its zeros became padding of {into}")


def _moved(graph: Graph, pad: Node, op: Pad, reader: Node) -> Change | None:
    """This padding behind its only reader, or None if that does not just rearrange."""
    pads = reader.op.padding_behind(graph.tensors[pad.outputs[0]], op.pads)
    if pads is None:
        return None
    unpadded = (fresh(graph, f"{reader.outputs[0]}.unpadded"),)
    bare = replace(reader, inputs=pad.inputs, outputs=unpadded)
    moved = replace(pad, op=replace(op, pads=pads), inputs=unpadded, outputs=reader.outputs)
    return Change((pad, reader), (bare, moved), f"its zeros moved behind {reader.label}")
