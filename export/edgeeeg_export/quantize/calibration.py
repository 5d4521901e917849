"""Calibration: what every tensor of a graph is worth, seen on a carried-state roll-out over a recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgeeeg.calibration_rule import KEPT
from edgeeeg_export import reference
from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.cell import Cell
from edgeeeg_export.ops.recurrence import Recurrence
from edgeeeg_export.quantize.format import state_name
from edgeeeg_export.quantize.observers import Range, range_of
from edgeeeg_export.quantize.rollout import begun, hops, steps_of
from edgeeeg_export.quantize.tail import tail
from edgeeeg_export.quantize.window_states import window_states
from edgeeeg_export.tensor import Array

STEPS_OF_A_CALL = 256
"""Steps that the reference runs at a time."""
MOMENTS = 1024
"""At which states are seen, of a recording that is long enough."""
WINDOWS = 256
"""In which states are seen that begin anew in each, of a recording that has as many."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Ranges of tensors, and of states of recurrences by `format.state_name`; the tensors of the `tail`."""

    tensors: Mapping[str, Range]
    states: Mapping[str, Range]
    tail: frozenset[str]


def calibrate(graph: Graph, inputs: Mapping[str, Array], observer: str) -> Calibration:
    """Range of every float tensor, constants left out, and of every state of a recurrence.

    The state is carried from the first sample to the last and never reset, as it will be on the device. What
    a tensor holds before the first sample has reached it is left out: a maximum of nothing but padding is the
    lowest of all floats. States are seen between calls of the reference, at a thousand moments or more of a
    recording that has as many steps. Those that begin anew in each window are seen at every frame of 256
    windows, evenly drawn.

    Parameters
    ----------
    graph : Graph
        A streaming graph.
    inputs : mapping of str to array
        A recording: whole hops of every input.
    observer : a name of `observers.OBSERVERS`.

    Raises
    ------
    QuantizationError
        If a tensor is not finite, or an input is silent.
    """
    total = steps_of(graph, inputs)
    recurrences = tuple(node for node in graph.nodes if isinstance(node.op.core, Cell | Recurrence))
    carried = tuple(node for node in recurrences if graph.states[node.name])
    steps = max(1, min(STEPS_OF_A_CALL, total // MOMENTS)) if carried else STEPS_OF_A_CALL
    seen: dict[str, list[Array]] = {}
    remembered: dict[str, list[Array]] = {}
    early = dict(graph.timing.behind)
    states = None
    stride = max(1, -(-total // steps) * max(t.size for t in graph.tensors.values()) * steps // KEPT)
    for start in range(0, total, steps):
        stop = min(start + steps, total)
        result = reference.run(graph, hops(graph, inputs, start, stop), states)
        states = result.states
        for name, value in result.tensors.items():
            if name not in graph.constants:
                value = begun(value, graph.tensors[name].time_axis, early, name)
            if name not in graph.constants and value.size:
                seen.setdefault(name, []).append(np.ravel(value)[::stride])
                # the extremes must not fall between the values that are kept
                seen[name].append(np.array([value.min(), value.max()], dtype=np.float32))
        for node in carried:
            for state, value in zip(graph.states[node.name], states[node.name], strict=True):
                name = state_name(node.outputs[0], state.name.removeprefix(f"{node.name}."))
                remembered.setdefault(name, []).append(np.ravel(value))
        for node in recurrences:
            drawn = [] if node in carried else _drawn(graph, node, range(start, stop), total)
            if drawn:
                for behind_frame in window_states(node.op, _operands(graph, node, result.tensors, drawn)):
                    for name, value in behind_frame.items():
                        remembered.setdefault(state_name(node.outputs[0], name), []).append(np.ravel(value))
    ranges = {name: range_of(name, np.concatenate(pieces), observer) for name, pieces in seen.items()}
    for name in graph.inputs:
        if ranges[name].largest == 0.0:
            raise QuantizationError(
                f"input '{name}' is 0 throughout the calibration recording: calibrate on one with a signal"
            )
    return Calibration(
        ranges,
        {name: range_of(name, np.concatenate(pieces), observer) for name, pieces in remembered.items()},
        tail(graph),
    )


def _drawn(graph: Graph, node: Node, steps: range, total: int) -> list[int]:
    """Which windows of some steps, of the `total` of a recording, a layer's states are seen in."""
    output = graph.tensors[node.outputs[0]]
    behind, per_step = graph.timing.behind.get(node.outputs[0], 0), output.frames
    stride = max(1, (total * per_step - behind) // WINDOWS)
    windows = range(steps.start * per_step, steps.stop * per_step)
    return [k for k, window in enumerate(windows) if window >= behind and (window - behind) % stride == 0]


def _operands(
    graph: Graph, node: Node, tensors: Mapping[str, Array], windows: list[int]
) -> tuple[Array, ...]:
    """What a layer reads in some windows, and its constants."""
    axes = (graph.tensors[name].time_axis for name in node.inputs)
    return tuple(
        tensors[name] if axis is None else np.take(tensors[name], windows, axis)
        for name, axis in zip(node.inputs, axes, strict=True)
    )
