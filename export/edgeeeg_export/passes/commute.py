"""A convolution over time that all electrodes share and one over the electrodes change places: space first.

With taps h of the map that output o reads, and weights q over the electrodes c,

Σ_c q[o, c] (Σ_k h[k] x[c, t + k] + b) = Σ_k h[k] (Σ_c q[o, c] x[c, t + k]) + b Σ_c q[o, c],

so the taps run over as many signals as there are outputs, instead of over every map of every electrode. What
the convolution over time pads stays with it: a sum of zeros is zero. It fires where that takes fewer
multiply-accumulates. Source: the first two layers of EEGNet (Lawhern et al., 2018, table 2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.passes.rewriting import (
    Change,
    Rewritten,
    fresh,
    is_float32,
    macs,
    maker,
    read_elsewhere,
    rewrite,
)
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class _Exchange:
    """Groups of the convolution over space once it comes first, and which map's taps each output has."""

    groups: int
    maps: tuple[int, ...]


def commute(graph: Graph) -> Rewritten:
    """Exchange every such pair that saves work."""
    return rewrite(graph, _attempt)


def _attempt(graph: Graph, spatial: Node) -> Change | str | None:
    temporal = maker(graph, spatial.inputs[0])
    if temporal is None or not isinstance(temporal.op, Conv) or not isinstance(spatial.op, Conv):
        return None
    if any(name not in graph.constants for name in (*temporal.inputs[1:], *spatial.inputs[1:])):
        return None
    slid, summed = _axes(graph, temporal, temporal.op), _axes(graph, spatial, spatial.op)
    if not slid or slid & summed or not _covers(graph, spatial, spatial.op, summed):
        return None
    shared = read_elsewhere(graph, temporal.outputs[0])
    if shared is not None:
        return f"does not change places with {temporal.label}, as {shared}"
    taps, space = (graph.constants[node.inputs[1]] for node in (temporal, spatial))
    exchange = _exchange(temporal.op, spatial.op, taps, space)
    if isinstance(exchange, str):
        return f"does not change places with {temporal.label}: {exchange}"
    change = _change(graph, temporal, spatial, exchange, (temporal.op, spatial.op))
    if change is None:
        return f"would take the bias of {temporal.label} out of the range of float32"
    before, after = macs(graph), macs(change.apply(graph))
    if after >= before:
        return (
            f"does not change places with {temporal.label}: the model would take {after:,} "
            f"multiply-accumulates rather than {before:,}"
        )
    return replace(change, done=f"{change.done}: {after:,} multiply-accumulates rather than {before:,}")


def _axes(graph: Graph, node: Node, conv: Conv) -> set[int]:
    """The axes on which a convolution does anything."""
    kernel = graph.tensors[node.inputs[1]].shape[2:]
    rank = len(kernel)
    sizes = zip(kernel, conv.strides, conv.pads[:rank], conv.pads[rank:], strict=True)
    return {axis for axis, size in enumerate(sizes) if size != (1, 1, 0, 0)}


def _covers(graph: Graph, node: Node, conv: Conv, axes: set[int]) -> bool:
    """Whether it sums whole axes, without padding, and slides along none: a sum over electrodes."""
    x, weight, y = graph.types((*node.inputs[:2], *node.outputs))
    return not any(conv.pads) and all(
        weight.shape[2 + axis] == x.shape[2 + axis] and y.shape[2 + axis] == 1 and 2 + axis != x.time_axis
        for axis in axes
    )


def _exchange(temporal: Conv, spatial: Conv, taps: Array, space: Array) -> _Exchange | str:
    """How the two exchange, or why they do not."""
    n_maps, n_out = taps.shape[0], space.shape[0]
    per_group = n_maps // spatial.groups
    maps = tuple(o // (n_out // spatial.groups) * per_group for o in range(n_out))
    if taps.shape[1] == 1 and per_group == 1:
        return _Exchange(temporal.groups, maps)
    if taps.shape[1] > 1:
        return f"each of its maps sums {taps.shape[1]} channels over time"
    if temporal.groups != n_maps:
        return f"each output reads {per_group} maps with different taps"
    if any((taps[first : first + per_group] != taps[first]).any() for first in range(0, n_maps, per_group)):
        return f"each output reads {per_group} channels that it filters with different taps"
    return _Exchange(spatial.groups, maps)


def _change(
    graph: Graph, temporal: Node, spatial: Node, exchange: _Exchange, ops: tuple[Conv, Conv]
) -> Change | None:
    """The exchanged pair; None if float32 does not hold its bias."""
    over_time, over_space = ops
    taps, space = (graph.constants[node.inputs[1]] for node in (temporal, spatial))
    n_out = space.shape[0]
    between = fresh(graph, f"{temporal.outputs[0]}.commuted")
    weight = fresh(graph, f"{temporal.inputs[1]}.commuted")
    constants = {weight: np.ascontiguousarray(taps[list(exchange.maps)])}
    operands: tuple[str, ...] = (between, weight)
    if len(temporal.inputs) == 3:
        bias = _bias(graph, temporal, spatial, space)
        if not is_float32(bias):
            return None
        name = fresh(graph, f"{temporal.inputs[2]}.commuted")
        constants[name] = bias.astype(np.float32)
        operands = (*operands, name)
    else:
        operands = (*operands, *spatial.inputs[2:])
    first = replace(
        spatial,
        op=replace(over_space, groups=exchange.groups),
        inputs=(temporal.inputs[0], spatial.inputs[1]),
        outputs=(between,),
    )
    second = replace(temporal, op=replace(over_time, groups=n_out), inputs=operands, outputs=spatial.outputs)
    return Change((temporal, spatial), (first, second), f"now stands before {temporal.label}", constants)


def _bias(graph: Graph, temporal: Node, spatial: Node, space: Array) -> NDArray[np.float64]:
    """The bias over time, summed over the electrodes, and that over space: (n_out,), float64."""
    n_out, per_group = space.shape[:2]
    over_time = graph.constants[temporal.inputs[2]].astype(np.float64)
    groups = len(over_time) // per_group
    weights = space.astype(np.float64).reshape(groups, n_out // groups, per_group, -1).sum(axis=3)
    summed = (weights @ over_time.reshape(groups, per_group, 1)).ravel()
    if len(spatial.inputs) == 3:
        summed = summed + graph.constants[spatial.inputs[2]]
    return np.asarray(summed, dtype=np.float64)
