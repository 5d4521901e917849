"""Memory plan: every tensor of a step gets a place in one arena, in a state, or in the input's own buffer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.cache import Cache
from edgeeeg_export.tensor import BYTES

ARENA, STATE, INPUT = "arena", "state", "input"
ALIGNMENT = 4
"""Bytes: where a buffer may begin."""
SCRATCH = ".scratch"
"""Behind a node's name: what its kernel works in."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tensor lies: which memory, whose, and how many bytes from its start."""

    memory: str
    owner: str
    offset: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Places of all run-time tensors, nodes that need no code, the arena and its lower bound (bytes)."""

    places: Mapping[str, Place]
    views: frozenset[str]
    arena: int
    lower_bound: int
    peak: str


@dataclass(slots=True)
class _Buffer:
    """An allocation: its bytes, the steps between which it is alive, and the tensors that share it."""

    size: int
    first: int
    last: int
    members: list[str]


ORDERS: tuple[Callable[[_Buffer], tuple[int, ...]], ...] = (
    lambda own: (-own.size, own.first),
    lambda own: (-own.size * (own.last - own.first + 1), own.first),
    lambda own: (own.first - own.last, -own.size),
)
"""What is placed first: the largest, what takes most memory for longest, what lives longest."""
ATTEMPTS = 16
"""How often each of these orders is mended, where the arena is above its bound."""


def plan(graph: Graph, *, waiting: bool = False) -> Plan:
    """Share the arena by lifetime.

    Views cost nothing, elementwise results overwrite their operand, and the rest is placed largest first in
    the lowest gap that is free while it lives.

    Parameters
    ----------
    graph : Graph
    waiting : bool
        The inputs wait in the arena, from its start on, until their last reader is done; without it they are
        elsewhere.
    """
    last_use = {name: len(graph.nodes) for name in graph.outputs}
    for step, node in enumerate(graph.nodes):
        for name in node.inputs:
            last_use[name] = max(last_use.get(name, 0), step)
    places: dict[str, Place] = {}
    buffers: dict[str, _Buffer] = {}
    for name, type_ in graph.inputs.items():
        places[name] = Place(ARENA if waiting else INPUT, name, 0)
        if waiting:
            buffers[name] = _Buffer(_aligned(type_.nbytes), 0, last_use.get(name, 0), [name])
    views = set()
    for step, node in enumerate(graph.nodes):
        types = graph.types(node.inputs)
        offsets = node.op.view(types)
        if scratch := 0 if offsets is not None else node.op.scratch(types):
            name = node.name + SCRATCH
            places[name] = Place(ARENA, name, 0)
            buffers[name] = _Buffer(_aligned(scratch), step, step, [])
        for k, name in enumerate(node.outputs):
            last = last_use.get(name, step)
            if isinstance(node.op, Cache):
                places[name] = Place(STATE, node.name, 0)
            elif offsets is not None:
                source, element = places[node.inputs[0]], BYTES[graph.tensors[name].dtype]
                places[name] = Place(source.memory, source.owner, source.offset + element * offsets[k])
                views.add(node.name)
                _join(buffers, source, name, last)
            elif (reused := _reusable(graph, node, step, places, buffers, last_use)) is not None:
                places[name] = reused
                _join(buffers, reused, name, last)
            else:
                places[name] = Place(ARENA, name, 0)
                buffers[name] = _Buffer(_aligned(graph.tensors[name].nbytes), step, last, [name])
    live = _live(buffers, len(graph.nodes))
    bound = max(live, default=0)
    peak = graph.nodes[live.index(bound)].label if live else ""
    starts, size = _pack(buffers, tuple(graph.inputs) if waiting else (), bound)
    placed = {
        name: Place(ARENA, place.owner, starts[place.owner] + place.offset)
        if place.memory == ARENA
        else place
        for name, place in places.items()
    }
    return Plan(placed, frozenset(views), size, bound, peak)


def _live(buffers: Mapping[str, _Buffer], steps: int) -> list[int]:
    """Bytes of all that lives at each step: what is born there is added, what died before it taken away."""
    changes = [0] * (steps + 2)
    for buffer in buffers.values():
        changes[buffer.first] += buffer.size
        changes[buffer.last + 1] -= buffer.size
    return list(accumulate(changes))[:steps]


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _join(buffers: dict[str, _Buffer], place: Place, name: str, last: int) -> None:
    if place.memory == ARENA:
        buffer = buffers[place.owner]
        buffer.members.append(name)
        buffer.last = max(buffer.last, last)


def _reusable(
    graph: Graph,
    node: Node,
    step: int,
    places: Mapping[str, Place],
    buffers: Mapping[str, _Buffer],
    last_use: Mapping[str, int],
) -> Place | None:
    """The place of an operand that the operator may overwrite and nothing reads afterwards: the first such.

    Nor may another operand be a part of that memory, which is overwritten before it is read to its end.
    """
    shrinks = node.op.shrinks_in_place(graph.types(node.inputs))
    if not (node.op.in_place or shrinks):
        return None
    result = graph.tensors[node.outputs[0]]
    for operand in node.inputs if node.op.in_place_of_any else node.inputs[:1]:
        source = places.get(operand)
        if source is None or source.memory != ARENA:
            continue
        own = graph.tensors[operand]
        fits = result.size <= own.size if shrinks else result.size == own.size
        # element by element: what is written lies at or before what is still to be read
        fits = fits and (result.dtype == own.dtype or BYTES[result.dtype] < BYTES[own.dtype])
        dead = all(last_use.get(member, 0) <= step for member in buffers[source.owner].members)
        apart = all(
            name in graph.constants or name == operand or places[name].owner != source.owner
            for name in node.inputs
        )
        if fits and dead and apart:
            return source
    return None


def _pack(buffers: Mapping[str, _Buffer], ahead: tuple[str, ...], bound: int) -> tuple[dict[str, int], int]:
    """Where each buffer begins, and the end of all: the tightest of several orders of placing.

    Those `ahead` lie one behind the other at the start. To find the best order of all is NP-hard; here the
    buffer that sticks out furthest is placed earlier and earlier, until the bound is met or that helps no
    more.
    """
    beside = _overlapping(buffers)
    best: tuple[dict[str, int], int] = ({}, 0)
    for order in ORDERS:
        rest = sorted((name for name in buffers if name not in ahead), key=lambda n: order(buffers[n]))
        for _ in range(ATTEMPTS):
            starts = _placed(buffers, (*ahead, *rest), beside)
            ends = {name: starts[name] + buffers[name].size for name in starts}
            end = max(ends.values(), default=0)
            if not best[0] or end < best[1]:
                best = starts, end
            if best[1] <= bound or not rest:
                return best
            furthest = max(rest, key=ends.__getitem__)
            rest.remove(furthest)
            rest.insert(0, furthest)
    return best


def _overlapping(buffers: Mapping[str, _Buffer]) -> dict[str, list[str]]:
    """For each buffer those that live at the same time as it."""
    beside: dict[str, list[str]] = {}
    alive: list[str] = []
    for name in sorted(buffers, key=lambda name: buffers[name].first):
        alive = [other for other in alive if buffers[other].last >= buffers[name].first]
        beside[name] = list(alive)
        for other in alive:
            beside[other].append(name)
        alive.append(name)
    return beside


def _placed(
    buffers: Mapping[str, _Buffer], names: Sequence[str], beside: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    """Each buffer in its turn in the lowest gap that is free while it lives."""
    starts: dict[str, int] = {}
    for name in names:
        size = buffers[name].size
        taken = sorted((starts[n], starts[n] + buffers[n].size) for n in beside[name] if n in starts)
        start = 0
        for low, high in taken:
            if start + size <= low:
                break
            start = max(start, high)
        starts[name] = start
    return starts
