"""y = factor x + offset with constants: batch norm, scaling, calibration, z-scores with stored statistics.

`factor` and `offset` are float64 of the rank of x, of extent one along every axis on which they are equal:
what is computed from them is rounded to float32 once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.div import Div
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.neg import Neg
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.sub import Sub
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.rewriting import fresh, maker
from edgeeeg_export.tensor import TensorType

Constant = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Affine:
    """The run-time operand `source`, and what it is multiplied by and moved by."""

    source: str
    factor: Constant
    offset: Constant

    def behind(self, node: Node, x: TensorType, y: TensorType) -> Affine:
        """The same map on the result y of a rearrangement of x."""
        if isinstance(node.op, Transpose):
            perm = node.op.perm
            return replace(self, factor=self.factor.transpose(perm), offset=self.offset.transpose(perm))
        return replace(self, factor=_reshaped(self.factor, x, y), offset=_reshaped(self.offset, x, y))

    def before(self, node: Node, x: TensorType, y: TensorType) -> Affine:
        """The same map on the operand x of a rearrangement, given for its result y."""
        if isinstance(node.op, Transpose):
            perm = tuple(int(axis) for axis in np.argsort(node.op.perm))
            return replace(self, factor=self.factor.transpose(perm), offset=self.offset.transpose(perm))
        return replace(self, factor=_reshaped(self.factor, y, x), offset=_reshaped(self.offset, y, x))

    def along(self, axis: int, extent: int) -> tuple[Constant, Constant] | None:
        """Factor and offset as vectors along one axis; None if they differ along another."""
        values = (self.factor, self.offset)
        if any(value.size != value.shape[axis] for value in values):
            return None
        factor, offset = (np.broadcast_to(value.ravel(), (extent,)) for value in values)
        return factor, offset


def read_affine(graph: Graph, node: Node) -> Affine | None:
    """The map that a node computes; None if it is none, or its constant gives the result its shape."""
    if isinstance(node.op, Neg):
        source, factor, offset = node.inputs[0], np.array(-1.0), np.array(0.0)
    elif isinstance(node.op, Add | Sub | Mul | Div):
        at = [k for k, name in enumerate(node.inputs) if name in graph.constants]
        if len(at) != 1:
            return None
        source, value = node.inputs[1 - at[0]], graph.constants[node.inputs[at[0]]].astype(np.float64)
        if isinstance(node.op, Div) and (at == [0] or not value.all()):
            return None
        factor, offset = _terms(node, value, constant_first=at == [0])
    else:
        return None
    x = graph.tensors[source]
    if graph.tensors[node.outputs[0]] != x:
        return None
    rank = len(x.shape)
    return Affine(source, _compact(factor, rank), _compact(offset, rank))


def rearrangements_before(graph: Graph, name: str) -> tuple[Node, ...]:
    """The reshapes and transpositions that a tensor comes through, the last first: maps may pass them."""
    found = maker(graph, name)
    if found is None or not isinstance(found.op, Reshape | Transpose):
        return ()
    return (found, *rearrangements_before(graph, found.inputs[0]))


def rerouted(
    graph: Graph, chain: tuple[Node, ...], source: str, target: str, purpose: str
) -> tuple[Node, ...]:
    """Rearrangements (the last first) from another source to another target, with new names between them."""
    nodes = []
    for node in reversed(chain):
        result = target if node is chain[0] else fresh(graph, f"{node.outputs[0]}.{purpose}")
        nodes.append(replace(node, inputs=(source,), outputs=(result,)))
        source = result
    return tuple(nodes)


def _terms(node: Node, value: Constant, constant_first: bool) -> tuple[Constant, Constant]:
    one, zero = np.array(1.0), np.array(0.0)
    if isinstance(node.op, Mul):
        return value, zero
    if isinstance(node.op, Div):
        return 1.0 / value, zero
    if isinstance(node.op, Add):
        return one, value
    return (-one, value) if constant_first else (one, -value)


def _compact(value: Constant, rank: int) -> Constant:
    """Of this rank, and of extent one along the axes on which all values are equal."""
    value = value.reshape((1,) * (rank - value.ndim) + value.shape)
    for axis in range(rank):
        first = np.take(value, [0], axis)
        if (value == first).all():
            value = first
    return value


def _reshaped(value: Constant, x: TensorType, y: TensorType) -> Constant:
    """A constant over x as one over y, which has the same elements in their order; time has one of them."""
    if value.size == 1:
        return value.reshape((1,) * len(y.shape))
    wide, narrow = (
        tuple(1 if axis == type_.time_axis else extent for axis, extent in enumerate(type_.shape))
        for type_ in (x, y)
    )
    return _compact(np.broadcast_to(value, wide).reshape(narrow), len(narrow))
