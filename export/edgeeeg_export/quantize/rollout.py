"""A graph rolled out over a recording, its state carried, a stretch at a time: what statistics see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from edgeeeg_export import reference
from edgeeeg_export.graph import Graph
from edgeeeg_export.tensor import Array


def roll_out(graph: Graph, inputs: Mapping[str, Array], steps: int = 256) -> Iterator[dict[str, Array]]:
    """Every tensor but the constants, of one stretch of the recording after the other.

    The state is carried from the first sample to the last and never reset, as it will be on the device. What
    a tensor holds before the first sample has reached it is left out: a maximum of nothing but padding is the
    lowest of all floats.

    Parameters
    ----------
    graph : Graph
        A streaming graph.
    inputs : mapping of str to array
        A recording: whole hops of every input.
    steps : steps of one stretch.
    """
    total = steps_of(graph, inputs)
    early = dict(graph.timing.behind)
    states = None
    for start in range(0, total, steps):
        stop = min(start + steps, total)
        result = reference.run(graph, _stretch(graph, inputs, start, stop), states)
        states = result.states
        yield {
            name: _begun(value, graph.tensors[name].time_axis, early, name)
            for name, value in result.tensors.items()
            if name not in graph.constants
        }


def states_along(graph: Graph, inputs: Mapping[str, Array], moments: int) -> Iterator[reference.States]:
    """States of a streaming graph at so many moments of a recording, or after each step of a short one."""
    total = steps_of(graph, inputs)
    steps = max(1, total // moments)
    states = None
    for start in range(0, total, steps):
        part = _stretch(graph, inputs, start, min(start + steps, total))
        states = reference.run(graph, part, states).states
        yield states


def steps_of(graph: Graph, inputs: Mapping[str, Array]) -> int:
    """How many steps of a streaming graph a recording lasts."""
    first, type_ = next(iter(graph.inputs.items()))
    return int(inputs[first].shape[type_.time_axis or 0] // type_.frames)


def _stretch(graph: Graph, inputs: Mapping[str, Array], start: int, stop: int) -> dict[str, Array]:
    return {
        name: np.take(inputs[name], range(start * t.frames, stop * t.frames), t.time_axis)
        for name, t in graph.inputs.items()
    }


def _begun(value: Array, time_axis: int | None, early: dict[str, int], name: str) -> Array:
    """The frames of a tensor that lie within the recording; `early` counts those still to be left out."""
    if time_axis is None or not early.get(name):
        return value
    left_out = min(early[name], value.shape[time_axis])
    early[name] -= left_out
    return np.take(value, range(left_out, value.shape[time_axis]), time_axis)
