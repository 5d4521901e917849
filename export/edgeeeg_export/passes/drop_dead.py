"""Nodes whose results nothing reads are dropped."""

from __future__ import annotations

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.passes.rewriting import Rewritten


def drop_dead(graph: Graph) -> Rewritten:
    """Keep what an output depends on."""
    needed = set(graph.outputs)
    kept: list[Node] = []
    dropped: list[str] = []
    for node in reversed(graph.nodes):
        if needed & set(node.outputs):
            needed |= set(node.inputs)
            kept.append(node)
        else:
            dropped.append(f"layer {node.label}: dropped, as no output depends on it")
    return Rewritten(graph.with_nodes(tuple(reversed(kept))), tuple(reversed(dropped)))
