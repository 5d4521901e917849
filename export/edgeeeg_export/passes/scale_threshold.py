"""A factor in front of spiking neurons goes into their thresholds: the same spikes, membranes in x's unit.

With u = v / s,
v[t] = (β v[t-1] + s x[t]) - θ H(v[t-1] > θ) becomes u[t] = (β u[t-1] + x[t]) - (θ / s) H(u[t-1] > θ / s).
So it does however they reset, with whatever else is in the unit of x: the current of `Synaptic`, the rise of
an adaptive threshold, recurrent weights, a row for each neuron that hears them, and their bias.
That is exact algebra for every s > 0, and exact in float32 for a power of two, which rounds nothing. It fires
for those alone: any other factor would round membranes anew, and one spike that flips moves all that follows,
to save one multiplication per neuron.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.spiking import Spiking
from edgeeeg_export.passes.affine import read_affine
from edgeeeg_export.passes.rewriting import (
    Change,
    Rewritten,
    fresh,
    is_float32,
    maker,
    read_elsewhere,
    rewrite,
)


def scale_threshold(graph: Graph) -> Rewritten:
    """Divide the thresholds of every spiking layer by the factors in front of it."""
    return rewrite(graph, _attempt)


def _attempt(graph: Graph, node: Node) -> Change | str | None:
    scale = maker(graph, node.inputs[0])
    if scale is None or not isinstance(node.op, Spiking):
        return None
    affine = read_affine(graph, scale)
    names = tuple(node.inputs[k] for k in node.op.in_units_of_x)
    if affine is None or not all(name in graph.constants for name in names):
        return None
    declines = f"does not take {scale.label} into its thresholds"
    shared = read_elsewhere(graph, scale.outputs[0])
    if shared is not None:
        return f"{declines}, as {shared}"
    vectors = affine.along(2, graph.tensors[node.inputs[0]].shape[2])
    if vectors is None:
        return f"{declines}: it differs along another axis than the neurons"
    factor, offset = vectors
    if offset.any():
        return f"{declines}: an offset charges the membrane at every frame"
    if (factor <= 0.0).any():
        return f"{declines}: a factor that is not positive turns the threshold around"
    if (np.frexp(factor)[0] != 0.5).any():
        return f"{declines}: its factors are not powers of two, and rounding could flip spikes"
    inputs, constants = [affine.source, *node.inputs[1:]], {}
    for k, name in zip(node.op.in_units_of_x, names, strict=True):
        value = graph.constants[name]
        scaled = value / factor.reshape(-1, *(1,) * (value.ndim - 1))
        if not is_float32(scaled):
            return f"{declines}: they would leave the range of float32"
        inputs[k] = fresh(graph, f"{name}.scaled")
        constants[inputs[k]] = scaled.astype(np.float32)
    done = f"took the powers of two of {scale.label} into its thresholds"
    return Change((scale, node), (replace(node, inputs=tuple(inputs)),), done, constants)
