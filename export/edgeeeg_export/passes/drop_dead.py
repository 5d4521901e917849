"""Nodes whose results nothing reads are dropped."""

from __future__ import annotations

from edgeeeg_export.graph import Graph, Node


def drop_dead(graph: Graph) -> Graph:
    """Keep what an output depends on."""
    needed = set(graph.outputs)
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if needed & set(node.outputs):
            needed |= set(node.inputs)
            kept.append(node)
    return graph.with_nodes(tuple(reversed(kept)))
