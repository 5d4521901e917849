"""Two convolutions with nothing between them are one: its taps are those of both, convolved.

With strides s, dilations d and pads p of the first (1) and second (2),

Σ_i w2[i] Σ_j w1[j] x[(t s2 + i d2 - p2) s1 + j d1 - p1] = Σ_n w[n] x[t s1 s2 + n - (p2 s1 + p1)],
w[i d2 s1 + j d1] += w2[i] w1[j].

What the second pads are zeros in place of results of the first: that is the same only where those results
would be zero, seeing nothing but the first one's own padding, and no bias. It fires where one convolution
takes fewer multiply-accumulates and no more weights than two: montages and 1×1 convolutions; the convolutions
over time and over all electrodes of ShallowFBCSPNet and Deep4Net (Schirrmeister et al., 2017).
"""

from __future__ import annotations

import itertools
import math
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
    maker,
    read_elsewhere,
    rewrite,
)
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class _Merged:
    """The geometry of the one convolution, and how many of its taps apart those of the two lie, per axis."""

    op: Conv
    shape: tuple[int, ...]
    steps_1: tuple[int, ...]
    steps_2: tuple[int, ...]


def compose(graph: Graph) -> Rewritten:
    """Merge every such pair that saves work."""
    return rewrite(graph, _attempt)


def _attempt(graph: Graph, second: Node) -> Change | str | None:
    first = maker(graph, second.inputs[0])
    if first is None or not isinstance(first.op, Conv) or not isinstance(second.op, Conv):
        return None
    if any(name not in graph.constants for name in (*first.inputs[1:], *second.inputs[1:])):
        return None
    declines = f"does not merge with {first.label}"
    shared = read_elsewhere(graph, first.outputs[0])
    if shared is not None:
        return f"{declines}, as {shared}"
    w1, w2 = (graph.constants[node.inputs[1]] for node in (first, second))
    standing = _padding_between(first.op, second.op, w1.shape, has_bias=len(first.inputs) == 3)
    if standing is not None:
        return f"{declines}: {standing}"
    merged = _merge(first.op, second.op, w1.shape, w2.shape)
    apart = sum(node.op.macs(graph.types(node.inputs)) for node in (first, second))
    together = graph.tensors[second.outputs[0]].size * math.prod(merged.shape[1:])
    counts = f"{together:,} multiply-accumulates and {math.prod(merged.shape):,} weights"
    said = f"one convolution takes {counts}, the two {apart:,} and {w1.size + w2.size:,}"
    if together >= apart or math.prod(merged.shape) > w1.size + w2.size:
        return f"{declines}: {said}"
    weight, bias = _weights(merged, first.op, second.op, w1, w2), _bias(graph, first, second)
    if not is_float32(weight) or not is_float32(bias):
        return f"{declines}, whose weights would take its own out of the range of float32"
    names = {fresh(graph, f"{second.inputs[1]}.merged"): weight}
    if len(first.inputs) == 3 or len(second.inputs) == 3:
        names[fresh(graph, f"{second.outputs[0]}.bias")] = bias
    node = replace(second, op=merged.op, inputs=(first.inputs[0], *names))
    constants = {name: value.astype(np.float32) for name, value in names.items()}
    return Change((first, second), (node,), f"merged with {first.label}: {said}", constants)


def _padding_between(first: Conv, second: Conv, kernel: tuple[int, ...], *, has_bias: bool) -> str | None:
    """Why the zeros that the second pads are not what the first would have given there."""
    if any(second.pads) and has_bias:
        return f"it pads {second.pads} with zeros, where that has a bias"
    rank = len(first.strides)
    for axis in range(rank):
        reach = first.dilations[axis] * (kernel[2 + axis] - 1) + 1
        # one result further out, the first sees nothing but its own padding
        before_fits = first.pads[axis] >= reach - first.strides[axis] or second.pads[axis] == 0
        after_fits = first.pads[rank + axis] >= reach - 1 or second.pads[rank + axis] == 0
        if not (before_fits and after_fits):
            return (
                f"it pads {second.pads} with zeros, where that would still see samples; put all the padding "
                "in front of the first"
            )
    return None


def _merge(first: Conv, second: Conv, shape_1: tuple[int, ...], shape_2: tuple[int, ...]) -> _Merged:
    rank = len(first.strides)
    kernel, dilations, steps_1, steps_2 = [], [], [], []
    for axis, (k1, k2) in enumerate(zip(shape_1[2:], shape_2[2:], strict=True)):
        apart_1, apart_2 = first.dilations[axis], second.dilations[axis] * first.strides[axis]
        # taps of a kernel of one lie nowhere apart
        dilation = math.gcd(apart_1 if k1 > 1 else 0, apart_2 if k2 > 1 else 0) or 1
        dilations.append(dilation)
        kernel.append(((k1 - 1) * apart_1 + (k2 - 1) * apart_2) // dilation + 1)
        steps_1.append(apart_1 // dilation if k1 > 1 else 0)
        steps_2.append(apart_2 // dilation if k2 > 1 else 0)
    groups = math.gcd(first.groups, second.groups)
    pads = (p1 + p2 * s for p1, p2, s in zip(first.pads, second.pads, first.strides * 2, strict=True))
    strides = (s1 * s2 for s1, s2 in zip(first.strides, second.strides, strict=True))
    op = Conv(tuple(strides), tuple(dilations[:rank]), groups, tuple(pads))
    shape = (shape_2[0], shape_1[1] * first.groups // groups, *kernel)
    return _Merged(op, shape, tuple(steps_1), tuple(steps_2))


def _weights(merged: _Merged, first: Conv, second: Conv, w1: Array, w2: Array) -> NDArray[np.float64]:
    """The taps of both, convolved, for each group of channels that neither mixes with another."""
    groups = merged.op.groups
    dense_1 = _dense(w1, first.groups // groups, groups)  # (groups, maps, in, taps)
    dense_2 = _dense(w2, second.groups // groups, groups)  # (groups, out, maps, taps)
    result = np.zeros((groups, dense_2.shape[1], dense_1.shape[2], *merged.shape[2:]))
    taps_1, taps_2 = (list(itertools.product(*map(range, w.shape[2:]))) for w in (w1, w2))
    for (i, at_2), (j, at_1) in itertools.product(enumerate(taps_2), enumerate(taps_1)):
        steps = zip(at_1, merged.steps_1, at_2, merged.steps_2, strict=True)
        place = tuple(a * step_1 + b * step_2 for a, step_1, b, step_2 in steps)
        result[(slice(None),) * 3 + place] += dense_2[..., i] @ dense_1[..., j]
    return result.reshape(merged.shape)


def _dense(weight: Array, inner: int, groups: int) -> NDArray[np.float64]:
    """Weights of `groups` groups of `inner` groups each, zero between these: (groups, out, in, taps)."""
    out, c_group = weight.shape[0] // (groups * inner), weight.shape[1]
    split = weight.astype(np.float64).reshape(groups, inner, out, c_group, -1)
    dense = np.zeros((groups, inner, out, inner, c_group, split.shape[-1]))
    for k in range(inner):
        dense[:, k, :, k] = split[:, k]
    return dense.reshape(groups, inner * out, inner * c_group, -1)


def _bias(graph: Graph, first: Node, second: Node) -> NDArray[np.float64]:
    """The first's bias through all taps of the second, and the second's own: (n_out,)."""
    w2 = graph.constants[second.inputs[1]].astype(np.float64)
    bias = np.zeros(w2.shape[0])
    if len(first.inputs) == 3:
        maps = graph.constants[first.inputs[2]].astype(np.float64)
        groups = len(maps) // w2.shape[1]
        weights = w2.reshape(groups, -1, w2.shape[1], math.prod(w2.shape[2:])).sum(axis=3)
        bias += (weights @ maps.reshape(groups, -1, 1)).ravel()
    return bias + graph.constants[second.inputs[2]] if len(second.inputs) == 3 else bias
