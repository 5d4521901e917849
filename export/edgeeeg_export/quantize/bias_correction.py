"""Bias correction: the mean error that rounding leaves on each output channel goes into the layer's bias.

b_o → b_o + E[y_o] - E[y'_o], y of the float model and y' of the program in which everything in front of the
layer is rounded too, both over the calibration recording, layer after layer from the input on. Rounded
weights give channels an offset, which no dither averages out. Source: Nagel et al. 2019, arXiv:1906.04721,
section 4.2, eq. 17, in its empirical form (appendix D).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.per_window import PerWindow
from edgeeeg_export.passes.rewriting import fresh
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.quantize.channel_pairs import output_axis, result_axis
from edgeeeg_export.quantize.format import Formats
from edgeeeg_export.quantize.post_training import quantize
from edgeeeg_export.quantize.rollout import roll_out
from edgeeeg_export.tensor import Array

Corrections = Mapping[str, tuple[float, ...]]
"""By the result of a layer: what is added to the bias of each of its output channels."""


def find_corrections(
    graph: Graph,
    formats: Formats,
    hop: int,
    inputs: Mapping[str, Array],
    on_layer: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, tuple[float, ...]]:
    """The corrections of every convolution and dense layer that computes in integers.

    Parameters
    ----------
    graph : Graph
        Captured and simplified, of floats.
    formats : of its tensors and states.
    hop : samples of a step.
    inputs : the calibration recording, whole hops of every input.
    on_layer : told how many layers are done, of how many.
    """
    layers = [node for node in graph.nodes if output_axis(node) is not None]
    truth = _means(stream(graph, hop), layers, inputs)
    found: dict[str, tuple[float, ...]] = {}
    for done, node in enumerate(layers):
        (name,) = node.outputs
        part = quantize(_up_to(correct(graph, found), name), formats)
        if not any(made.name == node.name and made.op.kind == node.op.kind for made in part.nodes):
            error = truth[name] - _means(stream(part, hop), [node], inputs)[name]
            found[name] = tuple(float(value) for value in error.astype(np.float32))
        on_layer(done + 1, len(layers))
    return found


def correct(graph: Graph, corrections: Corrections) -> Graph:
    """The graph with these values added to its biases; a layer without one gets one."""
    constants, nodes = dict(graph.constants), []
    for node in graph.nodes:
        added = corrections.get(node.outputs[0])
        if added is not None:
            value = np.array(added, dtype=np.float32)
            if len(node.inputs) == 3:
                value = graph.constants[node.inputs[2]] + value
            name = fresh(graph, f"{node.name}.bias.corrected")
            constants[name] = value
            node = replace(node, op=_with_bias(node), inputs=(*node.inputs[:2], name))
        nodes.append(node)
    return graph.with_nodes(tuple(nodes), constants)


def _with_bias(node: Node) -> Op:
    """The operator with a third operand, which no window has one of its own of."""
    if isinstance(node.op, PerWindow) and len(node.inputs) == 2:
        return replace(node.op, varying=(*node.op.varying, False))
    return node.op


def _up_to(graph: Graph, name: str) -> Graph:
    """The graph that ends with a tensor."""
    last = next(k for k, node in enumerate(graph.nodes) if name in node.outputs)
    ending = Graph(graph.name, graph.inputs, (name,), graph.nodes[: last + 1], graph.constants)
    return ending.with_nodes(ending.nodes)


def _means(graph: Graph, layers: list[Node], inputs: Mapping[str, Array]) -> dict[str, NDArray[np.float64]]:
    """The mean of every output channel of these layers."""
    totals: dict[str, NDArray[np.float64]] = {}
    counts = dict.fromkeys((node.outputs[0] for node in layers), 0)
    for tensors in roll_out(graph, inputs):
        for node in layers:
            value = tensors[node.outputs[0]]
            axis = result_axis(graph, node)
            others = tuple(k for k in range(value.ndim) if k != axis)
            sums = value.sum(axis=others, dtype=np.float64)
            totals[node.outputs[0]] = totals.get(node.outputs[0], 0.0) + sums
            counts[node.outputs[0]] += value.size // max(value.shape[axis], 1)
    return {name: total / max(counts[name], 1) for name, total in totals.items()}
