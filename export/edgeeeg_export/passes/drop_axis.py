"""A convolution that sums an axis whole is one over the remaining axes, with electrodes as channels.

With x (batch, maps, electrodes, time) and a kernel over all electrodes, (map, electrode) is one sum: reshaped
to (batch, maps · electrodes, time) it is a convolution over time alone, of the same products, that has a
kernel of its own in C. Behind such a layer the axis has extent one and goes as well. Electrodes that come
last come first for it where a transposition had put them last, which this one takes back.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.affine import rearrangements_before
from edgeeeg_export.passes.rewriting import Change, Rewritten, fresh, rewrite
from edgeeeg_export.tensor import TensorType


def drop_axis(graph: Graph) -> Rewritten:
    """Drop an axis of every convolution that sums it whole."""
    return rewrite(graph, _attempt)


def _attempt(graph: Graph, node: Node) -> Change | str | None:
    if not isinstance(node.op, Conv) or node.inputs[1] not in graph.constants or len(node.op.strides) < 2:
        return None
    axis = _dropped(graph, node, node.op)
    if axis is None:
        return None
    (x,), (y,) = graph.types(node.inputs[:1]), graph.types(node.outputs)
    weight = graph.constants[node.inputs[1]]
    into: list[Node] = []

    def add(op: Op, source: str, purpose: str) -> str:
        result = fresh(graph, f"{node.inputs[0]}.{purpose}")
        into.append(Node(fresh(graph, f"{node.name}_{purpose}"), op, (source,), (result,), node.path))
        return result

    operand, rest = node.inputs[0], tuple(k for k in range(2, len(x.shape)) if k != axis)
    if axis != 2 and x.shape[axis] > 1:
        operand = add(Transpose((0, 1, axis, *rest)), operand, "turned")
    n_chans = x.shape[1] * x.shape[axis]
    operand = add(Reshape(_shape(x, (x.shape[0], n_chans), rest)), operand, "flat")
    flat, taps = fresh(graph, f"{node.outputs[0]}.flat"), fresh(graph, f"{node.inputs[1]}.flat")
    kernel = np.moveaxis(weight, axis, 2).reshape(weight.shape[0], -1, *(weight.shape[k] for k in rest))
    conv = replace(
        node, op=_less(node.op, axis - 2), inputs=(operand, taps, *node.inputs[2:]), outputs=(flat,)
    )
    view = Reshape(_shape(y, y.shape[:2], tuple(range(2, len(y.shape)))))
    back = Node(fresh(graph, f"{node.name}_map"), view, (flat,), node.outputs, node.path)
    done = f"sums an axis whole, and became a convolution over {len(rest)} of them on {n_chans} channels"
    return Change((node,), (*into, conv, back), done, {taps: np.ascontiguousarray(kernel)})


def _dropped(graph: Graph, node: Node, conv: Conv) -> int | None:
    """The axis of x that is summed whole and can be joined with the channels; None if there is none."""
    x, weight, y = graph.types((*node.inputs[:2], *node.outputs))
    rank, chain = len(conv.strides), rearrangements_before(graph, node.inputs[0])
    turned = any(isinstance(part.op, Transpose) for part in chain)
    for k in range(rank):
        axis = 2 + k
        near = axis == 2 or x.shape[axis] == 1 or turned
        whole = weight.shape[axis] == x.shape[axis] and y.shape[axis] == 1 and x.time_axis != axis
        plain = conv.pads[k] == conv.pads[rank + k] == 0 and (
            weight.shape[axis] == 1 or conv.dilations[k] == 1
        )
        if near and whole and plain:
            return axis
    return None


def _less(conv: Conv, k: int) -> Conv:
    """The convolution without its k-th axis."""
    rank = len(conv.strides)
    pads = tuple(pad for at, pad in enumerate(conv.pads) if at % rank != k)
    strides, dilations = ((*v[:k], *v[k + 1 :]) for v in (conv.strides, conv.dilations))
    return Conv(strides, dilations, conv.groups, pads)


def _shape(type_: TensorType, front: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """A reshape's target: these extents, then those of some axes, with -1 for time."""
    return (*front, *(-1 if axis == type_.time_axis else type_.shape[axis] for axis in axes))
