"""Weights of convolutions and dense layers under maps with constants, computed in float64.

With w[o, c, …] of a convolution (w[c, o] of a dense layer) and its bias b[o]:
behind it, factor[o] (w x + b) + offset[o] = (factor w) x + (factor b + offset);
in front of it, w (factor[c] x + offset[c]) + b = (w factor) x + (b + Σ w offset).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.passes.affine import Constant
from edgeeeg_export.passes.rewriting import fresh, is_float32
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class LinearLayer:
    """A convolution or dense layer with constant weights; `weight` is (groups, out, in, taps)."""

    node: Node
    weight: Constant
    bias: Constant

    @property
    def in_extent(self) -> int:
        """Channels or features that it reads."""
        return int(self.weight.shape[0] * self.weight.shape[2])

    def scaled_behind(self, factor: Constant, offset: Constant) -> LinearLayer:
        """With the map on its result in its weights."""
        groups, out = self.weight.shape[:2]
        weight = self.weight * factor.reshape(groups, out, 1, 1)
        return LinearLayer(self.node, weight, self.bias * factor + offset)

    def scaled_in_front(self, factor: Constant, offset: Constant) -> LinearLayer:
        """With the map on its operand in its weights."""
        groups, _, channels, _ = self.weight.shape
        moved = self.weight * offset.reshape(groups, 1, channels, 1)
        weight = self.weight * factor.reshape(groups, 1, channels, 1)
        return LinearLayer(self.node, weight, self.bias + moved.sum(axis=(2, 3)).ravel())

    def rounded(self, graph: Graph, like: LinearLayer) -> tuple[tuple[str, ...], dict[str, Array]] | None:
        """The names of its constants and those of them that are new; None if float32 cannot hold them.

        A constant equal to that of the layer it came from (`like`) keeps its name, and a bias of zeros that
        the layer did not have stays absent.
        """
        names, new = [], {}
        for k, (value, old) in enumerate(((self.weight, like.weight), (self.bias, like.bias)), start=1):
            has_name = k < len(like.node.inputs)
            if np.array_equal(value, old):
                names += [like.node.inputs[k]] if has_name else []
                continue
            if not is_float32(value):
                return None
            purpose = "weight" if k == 1 else "bias"
            name = fresh(
                graph, f"{like.node.inputs[k]}.folded" if has_name else f"{like.node.name}.{purpose}"
            )
            shape = graph.tensors[like.node.inputs[1]].shape if k == 1 else (value.size,)
            if isinstance(like.node.op, Linear) and k == 1:
                value = value.reshape(shape[::-1]).T
            new[name] = value.astype(np.float32).reshape(shape)
            names.append(name)
        return tuple(names), new


def read_linear(graph: Graph, node: Node) -> LinearLayer | None:
    """The weights of a layer; None if it is of another kind, or they are computed at run time."""
    if not isinstance(node.op, Conv | Linear) or any(n not in graph.constants for n in node.inputs[1:]):
        return None
    weight = graph.constants[node.inputs[1]].astype(np.float64)
    if isinstance(node.op, Linear):
        out, ordered = weight.shape[1], weight.T[None, :, :, None]
    else:
        out, groups = weight.shape[0], node.op.groups
        ordered = weight.reshape(groups, out // groups, weight.shape[1], -1)
    bias = np.zeros(out) if len(node.inputs) == 2 else graph.constants[node.inputs[2]].astype(np.float64)
    return LinearLayer(node, ordered, np.broadcast_to(bias.ravel(), (out,)))


def channel_axis(node: Node, rank: int) -> int:
    """The axis of x and y that holds channels or features."""
    return 1 if isinstance(node.op, Conv) else rank - 1
