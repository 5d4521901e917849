"""The NumPy reference: runs a graph on any number of samples, carrying its states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edgeeeg_export.graph import Graph
from edgeeeg_export.ops.clock import ENDED, Clock
from edgeeeg_export.tensor import Array, stretch

States = Mapping[str, tuple[Array, ...]]


@dataclass(frozen=True, slots=True)
class Result:
    """Every tensor of one run by name, and the states after it by node."""

    tensors: Mapping[str, Array]
    states: States


def initial_states(graph: Graph) -> States:
    """The states before the first sample."""
    return {name: tuple(state.start() for state in states) for name, states in graph.states.items()}


def run(graph: Graph, inputs: Mapping[str, Array], states: States | None = None) -> Result:
    """Execute every node in order, in float32, bit for bit as the generated C does.

    Parameters
    ----------
    graph : Graph
        A captured graph (offline, from zero) or a streaming one (from `states`).
    inputs : mapping of str to array
        An input with a time axis may have any number of whole hops; the rest have the graph's shapes.
    states : mapping of str to tuple of array, optional
        What a previous call returned; initial states without it.
    """
    states = initial_states(graph) if states is None else states
    tensors: dict[str, Array] = dict(graph.constants)
    tensors.update({name: np.asarray(value, dtype=np.float32, order="C") for name, value in inputs.items()})
    after: dict[str, tuple[Array, ...]] = {}
    with np.errstate(all="ignore"):  # infinities and NaN flow on, as they do in C
        for node in graph.nodes:
            outputs, after[node.name] = node.op.run(
                tuple(tensors[name] for name in node.inputs), states[node.name]
            )
            # NumPy turns arithmetic on arrays without axes into scalars
            tensors.update(zip(node.outputs, map(np.asarray, outputs), strict=True))
    return Result(tensors, after)


def ended(graph: Graph, states: States) -> States:
    """The states of a stream whose recording is over: its clock counts the steps since."""
    after = dict(states)
    for node in graph.nodes:
        if isinstance(node.op, Clock):
            names = [state.name.rpartition(".")[2] for state in graph.states[node.name]]
            values = zip(names, states[node.name], strict=True)
            after[node.name] = tuple(np.ones_like(v) if name == ENDED else v for name, v in values)
    return after


def silence(graph: Graph, steps: int) -> dict[str, Array]:
    """Zeros for every input over a number of steps: what is pushed once a recording is over."""
    shapes = {
        name: tuple(n * steps if axis == type_.time_axis else n for axis, n in enumerate(type_.shape))
        for name, type_ in graph.inputs.items()
    }
    return {name: np.zeros(shape, dtype=np.float32) for name, shape in shapes.items()}


def run_stream(
    graph: Graph, inputs: Mapping[str, Array], steps: int, most: int | None = None
) -> dict[str, Array]:
    """The outputs of a streaming graph over a recording by name, `steps` steps a call, and then flushed.

    Parameters
    ----------
    graph : Graph
        A streaming graph.
    inputs : mapping of str to array
        Whole steps of every input.
    steps : int
        How many of them at a time.
    most : int, optional
        Of how many calls at most: half of them at the start of the recording, half at its end, and what lies
        between in one.
    """
    times = {name: type_.time_axis or 0 for name, type_ in graph.inputs.items()}
    sizes = {name: type_.frames for name, type_ in graph.inputs.items()}
    total = min(inputs[name].shape[times[name]] // sizes[name] for name in times)
    states: States | None = None
    pieces: list[Mapping[str, Array]] = []
    for start, stop in pairwise(_cuts(total, steps, most)):
        taken = {
            name: stretch(inputs[name], times[name], start * sizes[name], stop * sizes[name])
            for name in times
        }
        result = run(graph, taken, states)
        states = result.states
        pieces.append({name: result.tensors[name] for name in graph.outputs})
    if graph.timing.flush:
        states = initial_states(graph) if states is None else states
        last = run(graph, silence(graph, graph.timing.flush), ended(graph, states)).tensors
        pieces.append({name: last[name] for name in graph.outputs})
    return {name: _joined(graph, name, [piece[name] for piece in pieces]) for name in graph.outputs}


def _cuts(total: int, steps: int, most: int | None) -> list[int]:
    """Where calls of `steps` steps begin, and the end; if they are too many, those in the middle are one."""
    starts = list(range(0, total, steps))
    if most is not None and len(starts) > most:
        half = max(most // 2, 1)
        starts = starts[: half + 1] + starts[-half:]
    return [*starts, total]


def _joined(graph: Graph, name: str, pieces: list[Array]) -> Array:
    """An output over all steps, without those before the first that is ready."""
    type_ = graph.tensors[name]
    if type_.time_axis is None:
        raise ValueError(f"output '{name}' has no time axis")
    whole = np.concatenate(pieces, axis=type_.time_axis)
    late = graph.timing.delay * type_.frames
    return stretch(whole, type_.time_axis, late, whole.shape[type_.time_axis])
