"""A map with constants behind a convolution or dense layer goes into its weights, as batch norm does.

s (w x + b) + t = (s w) x + (s b + t), per output channel, whatever the layer pads. Between the two there may
be reshapes and transpositions. The bias of a dense layer that ONNX adds separately is such a map.
"""

from __future__ import annotations

from dataclasses import replace

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.passes.affine import read_affine, rearrangements_before, rerouted
from edgeeeg_export.passes.linear_layer import channel_axis, read_linear
from edgeeeg_export.passes.rewriting import Change, Rewritten, fresh, maker, read_elsewhere, rewrite


def fold_behind(graph: Graph) -> Rewritten:
    """Fold every such map whose layer nothing else reads."""
    return rewrite(graph, _attempt)


def _attempt(graph: Graph, node: Node) -> Change | str | None:
    affine = read_affine(graph, node)
    if affine is None:
        return None
    chain = rearrangements_before(graph, affine.source)
    made = maker(graph, chain[-1].inputs[0] if chain else affine.source)
    layer = None if made is None else read_linear(graph, made)
    if made is None or layer is None:
        return None
    for between in (*chain, made):
        shared = read_elsewhere(graph, between.outputs[0])
        if shared is not None:
            return f"does not go into the weights of {made.label}, as {shared}"
    for between in chain:
        affine = affine.before(between, *graph.types((*between.inputs, *between.outputs)))
    y = graph.tensors[made.outputs[0]]
    axis = channel_axis(made, len(y.shape))
    vectors = affine.along(axis, y.shape[axis])
    if vectors is None:
        return f"differs along another axis than the channels of {made.label}, which shares its weights there"
    rounded = layer.scaled_behind(*vectors).rounded(graph, layer)
    if rounded is None:
        return f"would take the weights of {made.label} out of the range of float32"
    names, constants = rounded
    result = fresh(graph, f"{made.outputs[0]}.folded") if chain else node.outputs[0]
    folded = replace(made, inputs=(made.inputs[0], *names), outputs=(result,))
    moved = rerouted(graph, chain, result, node.outputs[0], "folded")
    return Change((made, *chain, node), (folded, *moved), f"went into the weights of {made.label}", constants)
