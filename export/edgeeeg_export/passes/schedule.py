"""The order in which a step computes its layers: the one that needs the smaller arena.

Edges of windows and branches may be computed early or late; what matters is how much lives at once.
"""

from __future__ import annotations

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.passes.plan import plan


def schedule(graph: Graph) -> Graph:
    """The graph as it is, or with each branch followed to its end before the next, if that is smaller."""
    deep = graph.with_nodes(_depth_first(graph))
    return deep if plan(deep, waiting=True).arena < plan(graph, waiting=True).arena else graph


def _depth_first(graph: Graph) -> tuple[Node, ...]:
    """Of the nodes that can run, always the one that leaves the least alive; the earlier of two equals."""
    waiting = list(graph.nodes)
    readers = {name: sum(name in node.inputs for node in graph.nodes) for name in graph.tensors}
    for name in graph.outputs:
        readers[name] += 1
    done = set(graph.inputs) | set(graph.constants)
    ordered: list[Node] = []
    while waiting:
        ready = [node for node in waiting if done.issuperset(node.inputs)]
        chosen = min(ready, key=lambda node: _growth(graph, node, readers))
        waiting.remove(chosen)
        ordered.append(chosen)
        done.update(chosen.outputs)
        for name in set(chosen.inputs):
            readers[name] -= 1
    return tuple(ordered)


def _growth(graph: Graph, node: Node, readers: dict[str, int]) -> int:
    """Floats that live more when a node has run: its results, less what it read last."""
    results = sum(graph.tensors[name].size for name in node.outputs)
    freed = sum(
        graph.tensors[name].size
        for name in set(node.inputs)
        if readers[name] == 1 and name not in graph.constants
    )
    return results - freed
