"""A map with constants in front of a convolution or dense layer goes into its weights.

w (s x + t) + b = (w s) x + (b + Σ w t), per input channel: z-scores with stored statistics, units, the gain
of a layer norm. Where the layer pads, its zeros stand for s x + t = 0: the factor may go in, an offset may
not, as at the edges fewer taps than all see it. Between the two there may be reshapes and transpositions.
"""

from __future__ import annotations

from dataclasses import replace

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.passes.affine import read_affine, rearrangements_before, rerouted
from edgeeeg_export.passes.linear_layer import channel_axis, read_linear
from edgeeeg_export.passes.rewriting import Change, Rewritten, fresh, maker, read_elsewhere, rewrite


def fold_in_front(graph: Graph) -> Rewritten:
    """Fold every such map that the layer alone reads."""
    return rewrite(graph, _attempt)


def _attempt(graph: Graph, node: Node) -> Change | str | None:
    layer = read_linear(graph, node)
    if layer is None:
        return None
    chain = rearrangements_before(graph, node.inputs[0])
    made = maker(graph, chain[-1].inputs[0] if chain else node.inputs[0])
    affine = None if made is None else read_affine(graph, made)
    if made is None or affine is None:
        return None
    for between in (*chain, made):
        shared = read_elsewhere(graph, between.outputs[0])
        if shared is not None:
            return f"does not take in {made.label}, as {shared}"
    source = affine.source
    for between in reversed(chain):
        affine = affine.behind(between, *graph.types((*between.inputs, *between.outputs)))
    axis = channel_axis(node, len(graph.tensors[node.inputs[0]].shape))
    vectors = affine.along(axis, layer.in_extent)
    if vectors is None:
        return f"does not take in {made.label}, which differs along another axis than the channels"
    if isinstance(node.op, Conv) and any(node.op.pads) and vectors[1].any():
        return (
            f"does not take in {made.label}: it pads {node.op.pads} with zeros behind that offset, which "
            "fewer of its taps see at the edges"
        )
    rounded = layer.scaled_in_front(*vectors).rounded(graph, layer)
    if rounded is None:
        return f"{made.label} would take its weights out of the range of float32"
    names, constants = rounded
    operand = fresh(graph, f"{chain[0].outputs[0]}.unscaled") if chain else source
    moved = rerouted(graph, chain, source, operand, "unscaled")
    folded = replace(node, inputs=(operand, *names))
    return Change((made, *chain, node), (*moved, folded), f"took in {made.label}", constants)
