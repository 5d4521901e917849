"""The order in which a step computes its layers: the one that needs the smaller arena.

Edges of windows and branches may be computed early or late; what matters is how much lives at once.
"""

from __future__ import annotations

from collections import Counter

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.passes.plan import ARENA, Plan, plan


def schedule(graph: Graph) -> Graph:
    """The graph as it is, or in the order that takes the least memory of those tried.

    Each branch followed to its end before the next; and what reads nothing but states and constants as late
    as its first reader allows.
    """
    deep = graph.with_nodes(_depth_first(graph, plan(graph, waiting=True)))
    return min(graph, _late(graph), deep, _late(deep), key=lambda order: plan(order, waiting=True).arena)


def _late(graph: Graph) -> Graph:
    """Every node that reads no arena directly in front of its first reader."""
    places = plan(graph, waiting=True).places
    ordered: list[Node] = []
    for node in reversed(graph.nodes):
        at = 0
        if not any(name in places and places[name].memory == ARENA for name in node.inputs):
            readers = (k for k, later in enumerate(ordered) if set(node.outputs).intersection(later.inputs))
            at = next(readers, 0)
        ordered.insert(at, node)
    return graph.with_nodes(tuple(ordered))


def _depth_first(graph: Graph, memory: Plan) -> tuple[Node, ...]:
    """Of the nodes that can run, always the one that leaves the least alive; the earlier of two equals.

    Tensors that share memory in the plan of the given order are counted as one, and those in a state not.
    """
    owners = {
        name: place.owner
        for name, place in memory.places.items()
        if name in graph.tensors and place.memory == ARENA
    }
    sizes = {owner: graph.tensors[owner].nbytes for owner in owners.values()}
    reads = {node.name: {owners[name] for name in node.inputs if name in owners} for node in graph.nodes}
    readers = Counter(owner for node in graph.nodes for owner in reads[node.name])
    readers.update(owners[name] for name in graph.outputs if name in owners)

    def growth(node: Node) -> int:
        """Bytes that live more once it has run: new memory, less what it is the last to read."""
        made = {owners[name] for name in node.outputs if name in owners}
        new = sum(sizes[owner] for owner in made - reads[node.name])
        return new - sum(sizes[owner] for owner in reads[node.name] - made if readers[owner] == 1)

    numbers = {node.name: k for k, node in enumerate(graph.nodes)}
    made = {name for node in graph.nodes for name in node.outputs}
    lacking = {node.name: len(made.intersection(node.inputs)) for node in graph.nodes}
    ready = [node for node in graph.nodes if not lacking[node.name]]
    ordered: list[Node] = []
    while ready:
        chosen = min(ready, key=lambda node: (growth(node), numbers[node.name]))
        ready.remove(chosen)
        ordered.append(chosen)
        readers.subtract(reads[chosen.name])
        for name in chosen.outputs:
            for reader in graph.readers.get(name, ()):
                lacking[reader.name] -= 1
                if not lacking[reader.name]:
                    ready.append(reader)
    return tuple(ordered)
