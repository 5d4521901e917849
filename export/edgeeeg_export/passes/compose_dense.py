"""Two dense layers with nothing between them are one: (x W1 + b1) W2 + b2 = x (W1 W2) + (b1 W2 + b2).

It fires where the product takes fewer multiply-accumulates: not where the first layer is a bottleneck.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.passes.linear_layer import read_linear
from edgeeeg_export.passes.rewriting import (
    Change,
    Rewritten,
    fresh,
    is_float32,
    maker,
    read_elsewhere,
    rewrite,
)


def compose_dense(graph: Graph) -> Rewritten:
    """Merge every such pair that saves work."""
    return rewrite(graph, _attempt)


def _attempt(graph: Graph, second: Node) -> Change | str | None:
    first = maker(graph, second.inputs[0])
    if first is None or not isinstance(first.op, Linear) or not isinstance(second.op, Linear):
        return None
    one, two = read_linear(graph, first), read_linear(graph, second)
    if one is None or two is None:
        return None
    declines = f"does not merge with {first.label}"
    shared = read_elsewhere(graph, first.outputs[0])
    if shared is not None:
        return f"{declines}, as {shared}"
    rows = graph.tensors[first.inputs[0]].size // one.in_extent
    apart = sum(node.op.macs(graph.types(node.inputs)) for node in (first, second))
    together = rows * one.in_extent * len(two.bias)
    said = f"one dense layer takes {together:,} multiply-accumulates, the two {apart:,}"
    if together >= apart:
        return f"{declines}: {said}"
    w1, w2 = (graph.constants[node.inputs[1]].astype(np.float64) for node in (first, second))
    values = {fresh(graph, f"{second.inputs[1]}.merged"): w1 @ w2}
    if len(first.inputs) == 3 or len(second.inputs) == 3:
        values[fresh(graph, f"{second.outputs[0]}.bias")] = one.bias @ w2 + two.bias
    if not all(is_float32(value) for value in values.values()):
        return f"{declines}, whose weights would take its own out of the range of float32"
    node = replace(second, inputs=(first.inputs[0], *values))
    constants = {name: value.astype(np.float32) for name, value in values.items()}
    return Change((first, second), (node,), f"merged with {first.label}: {said}", constants)
