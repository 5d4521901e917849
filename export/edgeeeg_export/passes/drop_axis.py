"""A convolution that sums its first axis whole is one over the remaining axes, with electrodes as channels.

With x (batch, maps, electrodes, time) and a kernel over all electrodes, (map, electrode) is one sum: reshaped
to (batch, maps · electrodes, time) it is a convolution over time alone, of the same products in the same
order, that has a kernel of its own in C. Behind such a layer the axis has extent one and goes as well.
"""

from __future__ import annotations

from dataclasses import replace

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.passes.rewriting import Change, Rewritten, fresh, rewrite
from edgeeeg_export.tensor import TensorType


def drop_axis(graph: Graph) -> Rewritten:
    """Drop the first axis behind the channels of every convolution that sums it whole."""
    return rewrite(graph, _attempt)


def _attempt(graph: Graph, node: Node) -> Change | str | None:
    if not isinstance(node.op, Conv) or node.inputs[1] not in graph.constants:
        return None
    op, weight = node.op, graph.constants[node.inputs[1]]
    (x,), (y,) = graph.types(node.inputs[:1]), graph.types(node.outputs)
    rank = len(op.strides)
    if rank < 2 or x.time_axis == 2 or weight.shape[2] != x.shape[2] or y.shape[2] != 1:
        return None
    if op.pads[0] or op.pads[rank] or (op.dilations[0] > 1 and weight.shape[2] > 1):
        return None
    narrow, flat = fresh(graph, f"{node.inputs[0]}.flat"), fresh(graph, f"{node.outputs[0]}.flat")
    kernel = fresh(graph, f"{node.inputs[1]}.flat")
    conv = Conv(op.strides[1:], op.dilations[1:], op.groups, (*op.pads[1:rank], *op.pads[rank + 1 :]))
    shape = (x.shape[0], x.shape[1] * x.shape[2], *x.shape[3:])
    into = (
        Node(fresh(graph, f"{node.name}_rows"), _view(x, shape), node.inputs[:1], (narrow,), node.path),
        replace(node, op=conv, inputs=(narrow, kernel, *node.inputs[2:]), outputs=(flat,)),
        Node(fresh(graph, f"{node.name}_map"), _view(y, y.shape), (flat,), node.outputs, node.path),
    )
    taps = weight.reshape(weight.shape[0], -1, *weight.shape[3:])
    done = f"became a convolution of {rank - 1} axes on {shape[1]} channels, as it sums the first axis whole"
    return Change((node,), into, done, {kernel: taps})


def _view(type_: TensorType, shape: tuple[int, ...]) -> Reshape:
    """A reshape to this shape, which has time as far from its end as the type does."""
    if type_.time_axis is None:
        return Reshape(shape)
    at = type_.time_axis - len(type_.shape) + len(shape)
    return Reshape(tuple(-1 if axis == at else extent for axis, extent in enumerate(shape)))
