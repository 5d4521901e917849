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


def narrow_windows(graph: Graph) -> Graph:
    """Narrow every window whose readers all pick frames at constant places."""
    nodes = {node.name: node for node in graph.nodes}
    for node in graph.nodes:
        op = node.op
        readers = graph.consumers(node.outputs[0])
        if not isinstance(op, Windows) or node.outputs[0] in graph.outputs or not readers:
            continue
        places = [_places(reader, op.axis) for reader in readers]
        picked = [place for part in places for place in part]
        if any(not part for part in places) or max(picked) - min(picked) + 1 == op.length:
            continue
        first = min(picked)
        length = max(picked) - first + 1
        rest = op.rest + op.length - first - length
        narrow = replace(op, length=length, skip=op.skip + first, rest=rest)
        nodes[node.name] = replace(node, op=narrow)
        for reader in readers:
            nodes[reader.name] = _earlier(nodes[reader.name], first)
    return graph.with_nodes(tuple(nodes[node.name] for node in graph.nodes))


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
