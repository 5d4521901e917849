"""What every rewrite is made of: one place in a graph is tried after another, until none of them changes it.

A rewrite is a pure function from a graph to `Rewritten`: the new graph, what was done, and what began to
match but was left alone, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A rewrite's result; every entry of `fired` and `declined` names its layer."""

    graph: Graph
    fired: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Nodes to put in the place of the last of those taken out, constants that they need, and why."""

    out: tuple[Node, ...]
    into: tuple[Node, ...]
    done: str
    constants: Mapping[str, Array] = field(default_factory=lambda: MappingProxyType({}))

    def apply(self, graph: Graph) -> Graph:
        """The changed graph. Whatever the new nodes read exists where the last old one stood."""
        return graph.replacing(self.out, self.into, self.constants)


Attempt = Callable[[Graph, Node], Change | str | None]
"""What to change at a node; the reason why a pattern that begins there does not hold; None for no pattern."""


def rewrite(graph: Graph, attempt: Attempt) -> Rewritten:
    """Try every node in order, sweep after sweep, until one changes nothing; its reasons are those kept."""
    fired: list[str] = []
    while True:
        swept = _sweep(graph, attempt)
        fired += swept.fired
        if not swept.fired:
            return replace(swept, fired=tuple(fired))
        graph = swept.graph


def _sweep(graph: Graph, attempt: Attempt) -> Rewritten:
    """Try every node once, and again where something changed: what came there may go on."""
    fired: list[str] = []
    declined: list[str] = []
    at = 0
    while at < len(graph.nodes):
        node = graph.nodes[at]
        found = attempt(graph, node)
        if isinstance(found, Change):
            graph = found.apply(graph)
            fired.append(f"layer {node.label}: {found.done}")
            continue
        if found is not None:
            declined.append(f"layer {node.label}: {found}")
        at += 1
    return Rewritten(graph, tuple(fired), tuple(declined))


def maker(graph: Graph, name: str) -> Node | None:
    """The node that computes a tensor; None for inputs and constants."""
    return graph.makers.get(name)


def read_elsewhere(graph: Graph, name: str) -> str | None:
    """Why a tensor must stay although one reader can do without it; None if nothing else sees it."""
    if name in graph.outputs:
        return f"'{name}' in front of it is an output of the model"
    readers = graph.consumers(name)
    if len(readers) == 1:
        return None
    return f"'{name}' in front of it is read by {len(readers)} layers"


def fresh(graph: Graph, wanted: str) -> str:
    """The wanted name, lengthened by a number if a tensor or node of the graph bears it."""
    taken = graph.tensors.keys() | graph.states.keys()
    name, count = wanted, 1
    while name in taken:
        count += 1
        name = f"{wanted}_{count}"
    return name


def macs(graph: Graph) -> int:
    """Multiply-accumulates of one run over the samples that the graph was captured with."""
    return sum(node.op.macs(graph.types(node.inputs)) for node in graph.nodes)


def is_float32(value: NDArray[np.float64]) -> bool:
    """Whether float32 holds these numbers: all finite, and the largest of them no subnormal number."""
    limits = np.finfo(np.float32)
    peak = float(np.abs(value).max(initial=0.0))
    return peak == 0.0 or float(limits.tiny) <= peak <= float(limits.max)
