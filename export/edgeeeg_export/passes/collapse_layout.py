"""Rearrangements that cancel, that follow one another, or that move nothing become one or none.

reshape(reshape(x)) = reshape(x); two transpositions are one of the composed order; a transposition that moves
only axes of extent one is a reshape, which costs nothing. What gives x itself is left out.
"""

from __future__ import annotations

from dataclasses import replace

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.rewriting import Change, Rewritten, maker, rewrite
from edgeeeg_export.tensor import TensorType


def collapse_layout(graph: Graph) -> Rewritten:
    """Collapse every chain of reshapes and transpositions of which nothing else reads the middle."""
    return rewrite(graph, _attempt)


def _attempt(graph: Graph, node: Node) -> Change | str | None:
    if not isinstance(node.op, Reshape | Transpose):
        return None
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    if isinstance(node.op, Transpose) and _moves_unit_axes_only(node.op, x):
        shape = tuple(-1 if axis == y.time_axis else extent for axis, extent in enumerate(y.shape))
        same = replace(node, op=Reshape(shape))
        return Change((node,), (same,), f"moves only axes of extent one, so it became a view {y.shape}")
    joined = _joined(graph, node)
    if joined is not None:
        return joined
    stays = x == y and (isinstance(node.op, Reshape) or node.op.perm == tuple(range(len(x.shape))))
    return _without(graph, node) if stays else None


def _moves_unit_axes_only(transpose: Transpose, x: TensorType) -> bool:
    """Whether every axis that may be longer than one keeps its order; time always may."""
    long = [axis for axis in transpose.perm if x.shape[axis] != 1 or axis == x.time_axis]
    return long == sorted(long)


def _joined(graph: Graph, second: Node) -> Change | None:
    """Two rearrangements of one kind as one, read from where the first reads."""
    first = maker(graph, second.inputs[0])
    if first is None or second.inputs[0] in graph.outputs or len(graph.consumers(second.inputs[0])) > 1:
        return None
    if isinstance(first.op, Reshape) and isinstance(second.op, Reshape):
        joined = replace(second, inputs=first.inputs)
    elif isinstance(first.op, Transpose) and isinstance(second.op, Transpose):
        perm = tuple(first.op.perm[axis] for axis in second.op.perm)
        joined = replace(second, op=Transpose(perm), inputs=first.inputs)
    else:
        return None
    return Change((first, second), (joined,), f"took in the rearrangement before it, {first.label}")


def _without(graph: Graph, node: Node) -> Change | None:
    """The nodes that read or make x without this one; None where x and y both have to keep their names."""
    (x,), (y,) = node.inputs, node.outputs
    if y not in graph.outputs:
        readers = graph.consumers(y)
        renamed = {reader.name: _renamed(reader, y, x) for reader in readers}
        return _spread(graph, (node, *readers), node, renamed)
    made = maker(graph, x)
    if made is None or x in graph.outputs:
        return None
    others = tuple(reader for reader in graph.consumers(x) if reader is not node)
    renamed = {reader.name: _renamed(reader, x, y) for reader in others}
    renamed[made.name] = replace(made, outputs=tuple(y if name == x else name for name in made.outputs))
    return _spread(graph, (made, node, *others), node, renamed)


def _renamed(reader: Node, old: str, new: str) -> Node:
    return replace(reader, inputs=tuple(new if name == old else name for name in reader.inputs))


def _spread(graph: Graph, touched: tuple[Node, ...], gone: Node, renamed: dict[str, Node]) -> Change:
    """One change of everything from the first node touched to the last, each in its own place."""
    places = [graph.nodes.index(node) for node in touched]
    span = graph.nodes[min(places) : max(places) + 1]
    into = tuple(renamed.get(node.name, node) for node in span if node is not gone)
    return Change(span, into, "gave its input unchanged, so it was left out")
