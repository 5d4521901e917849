"""Pairs of layers with weights between which a factor of a channel can move: what equalization works on.

f(s x) = s f(x) for s > 0 holds of the identity, rectifiers, pools and whatever moves elements, so a channel
that leaves one layer s times smaller and meets weights s times larger in the next changes nothing behind it.
Source: Nagel et al. 2019, "Data-free quantization through weight equalization and bias correction",
arXiv:1906.04721, section 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.average_pool import AveragePool
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.gru import Gru
from edgeeeg_export.ops.leaky_relu import LeakyRelu
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.lstm import Lstm
from edgeeeg_export.ops.max_pool import MaxPool
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.per_window import PerWindow
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.rnn import Rnn
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.affine import Affine
from edgeeeg_export.tensor import Array

KEEP_CHANNELS = (Relu, LeakyRelu, MaxPool, AveragePool)
"""Positively homogeneous, and each channel apart."""


@dataclass(frozen=True, slots=True)
class ChannelPair:
    """Layer `first`, what lies `between`, and layer `second`, which alone reads the result.

    Parameters
    ----------
    channel : (channels of `second`,) int, which output channel of `first` each of them is.
    axis : of the tensor that `second` reads, on which its channels lie.
    """

    first: Node
    between: tuple[Node, ...]
    second: Node
    channel: NDArray[np.int64]
    axis: int

    @property
    def read(self) -> str:
        """The tensor that `second` reads."""
        return self.second.inputs[0]


def find_pairs(graph: Graph) -> tuple[ChannelPair, ...]:
    """Every pair of a graph, in the order of the first layers."""
    found = (_pair(graph, node) for node in graph.nodes)
    return tuple(pair for pair in found if pair is not None)


def plain(node: Node) -> Op:
    """The operator of a node, of one window where it runs for several."""
    return node.op.op if isinstance(node.op, PerWindow) else node.op


def output_axis(node: Node) -> int | None:
    """The axis of the weights on which the output channels of a convolution or dense layer lie."""
    return {Conv: 0, Linear: 1}.get(type(plain(node)))


def result_axis(graph: Graph, node: Node) -> int:
    """The axis of the result on which the output channels of a convolution or dense layer lie."""
    return (len(graph.tensors[node.outputs[0]].shape) - 1) if output_axis(node) else _channel_axis(node)


def magnitudes(graph: Graph, node: Node) -> NDArray[np.float64] | None:
    """Of a layer with weights, the largest |weight| of each row for each input channel, (rows, channels)."""
    op = plain(node)
    if not isinstance(op, Conv | Linear | Lstm | Gru | Rnn) or node.inputs[1] not in graph.constants:
        return None
    weight = np.abs(graph.constants[node.inputs[1]].astype(np.float64))
    if isinstance(op, Linear):
        return weight.T
    if not isinstance(op, Conv):
        return weight.reshape(-1, weight.shape[-1])
    rows = weight.reshape(*weight.shape[:2], -1).max(axis=2)
    wide = np.zeros((len(rows), rows.shape[1] * op.groups))
    for row, values in enumerate(rows):
        start = row * op.groups // len(rows) * rows.shape[1]
        wide[row, start : start + len(values)] = values
    return wide


def scaled_columns(graph: Graph, node: Node, factor: NDArray[np.float64]) -> Array:
    """The weights of a layer with each input channel multiplied by its factor, in float64."""
    op, weight = plain(node), graph.constants[node.inputs[1]].astype(np.float64)
    if isinstance(op, Linear):
        return weight * factor[:, None]
    if not isinstance(op, Conv):
        return weight * factor
    per_group = factor.reshape(op.groups, -1)
    rows = np.repeat(per_group, len(weight) // op.groups, axis=0)
    return weight * rows.reshape(*weight.shape[:2], *(1,) * (weight.ndim - 2))


def _pair(graph: Graph, first: Node) -> ChannelPair | None:
    axis = output_axis(first)
    if axis is None or any(name not in graph.constants for name in first.inputs[1:]):
        return None
    channels = graph.constants[first.inputs[1]].shape[axis]
    name, type_ = first.outputs[0], graph.tensors[first.outputs[0]]
    lies = result_axis(graph, first)
    index = np.arange(channels, dtype=np.float64).reshape(
        tuple(channels if k == lies else 1 for k in range(len(type_.shape)))
    )
    labels = Affine(name, index, np.zeros_like(index))
    between: list[Node] = []
    while True:
        readers = graph.consumers(name)
        if len(readers) != 1 or name in graph.outputs or readers[0].inputs[0] != name:
            return None
        (node,) = readers
        if magnitudes(graph, node) is not None:
            return _closed(graph, first, tuple(between), node, labels)
        if isinstance(node.op, Reshape | Transpose):
            labels = labels.behind(node, graph.tensors[name], graph.tensors[node.outputs[0]])
        elif not isinstance(plain(node), KEEP_CHANNELS):
            return None
        between.append(node)
        name = node.outputs[0]


def _closed(
    graph: Graph, first: Node, between: tuple[Node, ...], second: Node, labels: Affine
) -> ChannelPair | None:
    """The pair, if the channels lie where the second layer sums over them."""
    shape = graph.tensors[second.inputs[0]].shape
    axis = len(shape) - 1
    if isinstance(plain(second), Conv):
        axis = _channel_axis(second)
    if labels.factor.size != labels.factor.shape[axis]:
        return None
    channel = np.broadcast_to(labels.factor.ravel(), (shape[axis],)).astype(np.int64)
    return ChannelPair(first, between, second, channel, axis)


def _channel_axis(node: Node) -> int:
    """Of what a convolution reads and makes."""
    return 1 + isinstance(node.op, PerWindow)
