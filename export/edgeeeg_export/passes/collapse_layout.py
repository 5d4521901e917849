"""Rearrangements that cancel, that follow one another, or that move nothing become one or none.

reshape(reshape(x)) = reshape(x); two transpositions are one of the composed order; transpositions after which
every axis longer than one is where it was are a reshape, which costs nothing. What gives x itself goes, and
so do two transpositions around activations that undo one another.
"""

from __future__ import annotations

from dataclasses import replace

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.rewriting import Change, Rewritten, fresh, maker, rewrite
from edgeeeg_export.tensor import TensorType


def collapse_layout(graph: Graph) -> Rewritten:
    """Collapse every chain of reshapes and transpositions of which nothing else reads the middle."""
    return rewrite(graph, _attempt)


def _attempt(graph: Graph, node: Node) -> Change | str | None:
    if not isinstance(node.op, Reshape | Transpose):
        return None
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    if x == y and (isinstance(node.op, Reshape) or node.op.perm == tuple(range(len(x.shape)))):
        return _without(graph, node)
    return _joined(graph, node) or _viewed(graph, node) or _unwrapped(graph, node)


def _joined(graph: Graph, second: Node) -> Change | None:
    """Two rearrangements of one kind as one, read from where the first reads."""
    first = _before(graph, second)
    if first is None:
        return None
    if isinstance(first.op, Reshape) and isinstance(second.op, Reshape):
        joined = replace(second, inputs=first.inputs)
    elif isinstance(first.op, Transpose) and isinstance(second.op, Transpose):
        perm = tuple(first.op.perm[axis] for axis in second.op.perm)
        joined = replace(second, op=Transpose(perm), inputs=first.inputs)
    else:
        return None
    return Change((first, second), (joined,), f"took in the rearrangement before it, {first.label}")


def _before(graph: Graph, node: Node) -> Node | None:
    """The rearrangement whose result this one alone reads."""
    (name,) = node.inputs
    found = maker(graph, name)
    alone = name not in graph.outputs and len(graph.consumers(name)) == 1
    return found if found is not None and alone and isinstance(found.op, Reshape | Transpose) else None


def _viewed(graph: Graph, node: Node) -> Change | None:
    """The shortest chain up to this node that moves nothing, as one reshape."""
    y = graph.tensors[node.outputs[0]]
    chain: tuple[Node, ...] = ()
    order = list(range(len(_long(y))))  # of the chain's result: which long axis of its operand each one is
    before: Node | None = node
    while before is not None:
        chain = (before, *chain)
        x = graph.tensors[before.inputs[0]]
        if isinstance(before.op, Transpose):
            places = _long(x)
            moved = [places.index(axis) for axis in before.op.perm if axis in places]
            order = [moved[k] for k in order]
        elif _extents(x) != _extents(graph.tensors[before.outputs[0]]):
            return None
        if order == sorted(order) and any(isinstance(part.op, Transpose) for part in chain):
            shape = tuple(-1 if axis == y.time_axis else extent for axis, extent in enumerate(y.shape))
            view = replace(node, op=Reshape(shape), inputs=before.inputs)
            return Change(chain, (view,), "moves only axes of extent one, so it became a view")
        before = _before(graph, before)
    return None


def _long(type_: TensorType) -> list[int]:
    """The axes that may be longer than one: time always may."""
    return [axis for axis, n in enumerate(type_.shape) if n != 1 or axis == type_.time_axis]


def _extents(type_: TensorType) -> list[int]:
    """Extents of those axes, time's as -1."""
    return [-1 if axis == type_.time_axis else type_.shape[axis] for axis in _long(type_)]


def _unwrapped(graph: Graph, second: Node) -> Change | None:
    """Transpositions that cancel around operators on single elements: models that keep channels last."""
    chain: tuple[Node, ...] = ()
    found: Node | None = second
    while found is not None and (found is second or isinstance(found.op, Unary)):
        chain = (found, *chain)
        (name,) = found.inputs
        alone = name not in graph.outputs and len(graph.consumers(name)) == 1
        found = maker(graph, name) if alone else None
    if found is None or not isinstance(found.op, Transpose) or not isinstance(second.op, Transpose):
        return None
    if any(found.op.perm[axis] != k for k, axis in enumerate(second.op.perm)):
        return None
    elements, source, into = chain[:-1], found.inputs[0], []
    for node in elements:
        result = second.outputs[0] if node is elements[-1] else fresh(graph, f"{node.outputs[0]}.turned")
        into.append(replace(node, inputs=(source,), outputs=(result,)))
        source = result
    return Change((found, *chain), tuple(into), f"cancels {found.label} in front of {elements[0].label}")


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
    places = graph.places(touched)
    span = graph.nodes[min(places) : max(places) + 1]
    into = tuple(renamed.get(node.name, node) for node in span if node is not gone)
    return Change(span, into, "gave its input unchanged, so it was left out")
