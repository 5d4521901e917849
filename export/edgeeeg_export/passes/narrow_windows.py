"""Windows of which only some frames are read become windows of those alone.

Models that classify by the last frame of a recurrent layer pick it with an index; kept whole, the window of
all frames before it would be the largest thing in memory.
"""

from __future__ import annotations

from dataclasses import replace

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.gather import Gather
from edgeeeg_export.ops.slice import Slice
from edgeeeg_export.ops.windows import Windows
from edgeeeg_export.passes.rewriting import Change, Rewritten, fresh, maker, rewrite


def narrow_windows(graph: Graph) -> Rewritten:
    """Give every layer that picks frames of a window at constant places a window of no more than those.

    It stays where something else needs the whole window.
    """
    return rewrite(graph, _attempt)


def _attempt(graph: Graph, reader: Node) -> Change | None:
    source = maker(graph, reader.inputs[0])
    if source is None or not isinstance(source.op, Windows):
        return None
    op, picked = source.op, _places(reader, source.op.axis)
    readers = graph.consumers(source.outputs[0])
    needed = source.outputs[0] in graph.outputs or not all(_places(each, op.axis) for each in readers)
    if needed or not picked or max(picked) - min(picked) + 1 == op.length:
        return None
    first, length = min(picked), max(picked) - min(picked) + 1
    rest = op.rest + op.length - first - length
    name = fresh(graph, f"{source.outputs[0]}.picked")
    window = replace(
        source,
        name=fresh(graph, f"{source.name}_picked"),
        op=replace(op, length=length, skip=op.skip + first, rest=rest),
        outputs=(name,),
    )
    later = replace(_earlier(reader, first), inputs=(name, *reader.inputs[1:]))
    gone = (source, reader) if len(readers) == 1 else (reader,)
    return Change(gone, (window, later), f"reads {length} of the {op.length} frames of its window")


def _places(reader: Node, axis: int) -> tuple[int, ...]:
    """The frames that a node picks; none where it reads them all."""
    op = reader.op
    if isinstance(op, Gather) and op.axis == axis:
        return op.indices
    if isinstance(op, Slice) and op.axis == axis:
        return tuple(range(op.start, op.stop, op.step))
    return ()


def _earlier(reader: Node, frames: int) -> Node:
    """The node, picking as many frames earlier."""
    op = reader.op
    if isinstance(op, Gather):
        return replace(reader, op=replace(op, indices=tuple(place - frames for place in op.indices)))
    if isinstance(op, Slice):
        stop = op.stop - frames if op.stop >= 0 else op.stop
        return replace(reader, op=replace(op, start=op.start - frames, stop=max(stop, -1)))
    return reader
