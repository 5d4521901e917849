"""Cross-layer equalization: channels of one tensor get like ranges, so that one step of int8 suits them all.

With s_i > 0 for each channel between two layers, W1 → W1 / s_i and b1 → b1 / s_i by rows, W2 → s_i W2 by
columns: the same function. Nagel et al. 2019, arXiv:1906.04721, eq. 9 to 11, choose s_i = sqrt(r1_i / r2_i),
which gives both the same range sqrt(r1_i r2_i), r being that of the weights of a channel. Weights here have a
scale for each output channel, so a row takes any factor by itself: what one scale has to hold is the
activations, and the columns within a row. Hence r1_i is the largest magnitude of the activation on a
recording, r2_i the largest share of a row's range that column i has; and s_i = r1_i where each row reads one
channel alone. Ranges of weights in the place of r1 were worse (docs/quantization.md).

s_i is the power of two next to that, which rounds nothing: the float model stays as it was to the last bit.
Layers whose channels are within a factor of 2 of each other after that rounding are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgeeeg_export.graph import Graph
from edgeeeg_export.passes.rewriting import fresh
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.quantize.channel_pairs import (
    ChannelPair,
    find_pairs,
    magnitudes,
    output_axis,
    scaled_columns,
)
from edgeeeg_export.quantize.rollout import roll_out
from edgeeeg_export.tensor import Array

LEAST_SPREAD = 2
"""Powers of two between the smallest and the largest factor of a pair that is worth changing."""

Exponents = Mapping[str, tuple[int, ...]]
"""By the result of a layer: log2 of what each of its output channels is divided by."""


def find_exponents(graph: Graph, hop: int, inputs: Mapping[str, Array]) -> dict[str, tuple[int, ...]]:
    """The factors of every pair of layers, from the ranges of a recording; those that hardly differ left out.

    Parameters
    ----------
    graph : Graph
        Captured and simplified, of floats.
    hop : samples of a step.
    inputs : whole hops of every input.
    """
    pairs = find_pairs(graph)
    ranges: dict[str, NDArray[np.float64]] = {}
    if pairs:
        for tensors in roll_out(stream(graph, hop), inputs):
            for pair in pairs:
                seen = _largest(tensors[pair.read], pair.axis)
                ranges[pair.read] = np.maximum(ranges.get(pair.read, 0.0), seen)
    found = {pair.first.outputs[0]: _exponents(graph, pair, ranges[pair.read]) for pair in pairs}
    return {
        name: exponents
        for name, exponents in found.items()
        if max(exponents) - min(exponents) >= LEAST_SPREAD
    }


def equalize(graph: Graph, exponents: Exponents) -> Graph:
    """The graph with its channels divided by these factors: the same outputs, bit for bit.

    What lies between two layers has other values than before and so another name.
    """
    for name, powers in exponents.items():
        pair = next(pair for pair in find_pairs(graph) if pair.first.outputs[0] == name)
        graph = _equalized(graph, pair, np.exp2(np.array(powers, dtype=np.float64)))
    return graph


def _largest(value: Array, axis: int) -> NDArray[np.float64]:
    """The largest magnitude of each channel."""
    others = tuple(k for k in range(value.ndim) if k != axis)
    largest: NDArray[np.float64] = np.abs(value).max(axis=others, initial=0.0).astype(np.float64)
    return largest


def _exponents(graph: Graph, pair: ChannelPair, seen: NDArray[np.float64]) -> tuple[int, ...]:
    """One exponent a channel of the first layer, around 0; 0 for those that nothing was seen of or read."""
    rows = magnitudes(graph, pair.second)
    axis = output_axis(pair.first)
    if rows is None or axis is None:
        raise ValueError(f"layer {pair.second.label} has no weights to take a factor")
    largest = rows.max(axis=1, keepdims=True)
    shares = np.divide(rows, largest, out=np.zeros_like(rows), where=largest > 0).max(axis=0)
    channels: int = graph.constants[pair.first.inputs[1]].shape[axis]
    r1, r2 = np.zeros(channels), np.zeros(channels)
    np.maximum.at(r1, pair.channel, seen)
    np.maximum.at(r2, pair.channel, shares)
    live = (r1 > 0) & (r2 > 0)
    if not live.any():
        return (0,) * channels
    alone = ((rows > 0).sum(axis=1) <= 1).all()
    wanted = np.zeros(channels)
    wanted[live] = np.log2(r1[live]) if alone else np.log2(r1[live] / r2[live]) / 2
    wanted[live] -= np.median(wanted[live])
    return tuple(int(power) for power in np.rint(wanted).tolist())


def _equalized(graph: Graph, pair: ChannelPair, factor: NDArray[np.float64]) -> Graph:
    """One pair; the same graph if float32 cannot hold the weights that it would get."""
    first, second = pair.first, pair.second
    shape = [1] * graph.constants[first.inputs[1]].ndim
    shape[output_axis(first) or 0] = -1
    weight, *bias = (graph.constants[name].astype(np.float64) for name in first.inputs[1:])
    made = [weight / factor.reshape(shape), *(value / factor for value in bias)]
    made.append(scaled_columns(graph, second, factor[pair.channel]))
    rounded = [value.astype(np.float32) for value in made]
    if not all(np.array_equal(value, exact) for value, exact in zip(rounded, made, strict=True)):
        return graph
    old = (*((first, name) for name in first.inputs[1:]), (second, second.inputs[1]))
    names = [fresh(graph, f"{node.name}.{name}.equalized") for node, name in old]
    renamed = {
        name: fresh(graph, f"{name}.equalized") for node in (first, *pair.between) for name in node.outputs
    }
    nodes = []
    for node in graph.nodes:
        changed = node
        if node is first:
            changed = replace(node, inputs=(node.inputs[0], *names[:-1]))
        elif node is second:
            changed = replace(node, inputs=(node.inputs[0], names[-1], *node.inputs[2:]))
        nodes.append(changed.renamed(renamed))
    return graph.with_nodes(tuple(nodes), {**graph.constants, **dict(zip(names, rounded, strict=True))})
