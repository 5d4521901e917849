"""Streaming: a graph over a recording becomes one over a hop, with explicit state.

Every layer must be able to run continuously: what it needs of the past becomes state, and nothing may need
the future. Zero initial state equals the zero padding of the offline layers, so the result is `continuous`:
equal to one offline pass over the whole recording.
"""

from __future__ import annotations

import math
from dataclasses import replace

from edgeeeg_export.errors import GraphError, NotCausal
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.cache import Cache


def natural_hop(graph: Graph) -> int:
    """The fewest samples after which every layer has whole frames."""
    return math.lcm(*(t.samples_per_frame for t in graph.tensors.values() if t.time_axis is not None))


def obstacles(graph: Graph) -> tuple[str, ...]:
    """Everything that keeps a graph from running continuously: the layer, the reason, what would work."""
    reasons = [
        f"layer {node.label} cannot stream continuously: {reason}"
        for node in graph.nodes
        if (reason := node.op.obstacle(graph.types(node.inputs))) is not None
    ]
    reasons += [
        f"output '{name}' has no time axis, so it does not follow the input's samples"
        for name in graph.outputs
        if graph.tensors[name].time_axis is None
    ]
    return tuple(reasons)


def stream(graph: Graph, hop: int | None = None) -> Graph:
    """The continuous step graph of `hop` samples (the natural hop without it).

    Raises
    ------
    NotCausal
        If a layer needs the future or its whole window, or an output does not vary in time; the message names
        the layer and what would work.
    """
    standing = obstacles(graph)
    if standing:
        raise NotCausal(standing[0])
    natural = natural_hop(graph)
    hop = natural if hop is None else hop
    if hop < 1 or hop % natural:
        raise NotCausal(f"a hop of {hop} samples splits a frame; use a multiple of {natural}")
    nodes = tuple(part for node in graph.nodes for part in _with_cache(graph, node))
    return Graph(graph.name, graph.inputs_with(hop), graph.outputs, nodes, graph.constants)


def _with_cache(graph: Graph, node: Node) -> tuple[Node, ...]:
    """An operator without its padding, behind a cache of the frames it padded; any other as it is."""
    cached = node.op.behind_cache(graph.types(node.inputs))
    if cached is None:
        return (node,)
    axis = graph.tensors[node.inputs[0]].time_axis
    if axis is None:
        raise GraphError(f"layer {node.label} keeps frames of a tensor without a time axis")
    window = f"{node.inputs[0]}.window.{node.name}"
    op = Cache(cached.length, cached.padding, axis)
    cache = Node(f"{node.name}_cache", op, node.inputs[:1], (window,), node.path)
    return cache, replace(node, op=cached.op, inputs=(window, *node.inputs[1:]))
