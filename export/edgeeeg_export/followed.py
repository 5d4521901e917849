"""What a foreign runtime is made to follow, so that one decision of its own is seen once: spikes, roundings.

The step program is cut where the reference decides: at spikes and resets, where floats are rounded to
integers, and at what the steps of a recurrence with rounded hidden values find.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.per_window import PerWindow
from edgeeeg_export.ops.quantized_recurrence import QuantizedRecurrence
from edgeeeg_export.ops.spiking import Decisions, Spiking, stack
from edgeeeg_export.passes.force_roundings import (
    force_roundings,
    forced_integers,
    forced_memory,
    recurrent,
    rounded,
)
from edgeeeg_export.passes.force_spikes import force_spikes, forced_names
from edgeeeg_export.subject import Subject
from edgeeeg_export.tensor import Array


def decided(subject: Subject, truth: Mapping[str, Array]) -> dict[str, Decisions]:
    """What the neurons of the reference decide, by the name of their spikes."""
    decisions = {}
    for node in subject.offline.nodes:
        neurons = node.op.core
        if not isinstance(neurons, Spiking):
            continue
        x, *constants = (truth[name] for name in node.inputs)
        if isinstance(node.op, PerWindow):  # each window begins at rest, as a recording does
            decisions[node.outputs[0]] = stack([neurons.decide((row, *constants)) for row in x])
        else:
            decisions[node.outputs[0]] = neurons.decide((x, *constants))
    return decisions


def cut(
    subject: Subject, truth: Mapping[str, Array], decisions: Mapping[str, Decisions]
) -> tuple[Graph, dict[str, Array]]:
    """The step program that follows the reference, and what it follows, by its further inputs."""
    followed: dict[str, Array] = {}
    step = subject.step
    for name, own in decisions.items():
        for forced, value in zip(forced_names(name), (own.spikes, own.reset), strict=True):
            followed[forced] = _late(subject, name, value)
    for name in rounded(step):
        followed[forced_integers(name)] = _late(subject, name, truth[name])
    offline = {node.outputs[0]: node for node in subject.offline.nodes}
    for node in recurrent(step):
        (name, *_), op = node.outputs, node.op.core
        if isinstance(op, QuantizedRecurrence):
            found = _found(subject.offline, offline[name], truth)
            for memory, value in zip(op.memories, found, strict=True):
                followed[forced_memory(name, memory)] = _late(subject, name, value)
    return force_spikes(force_roundings(step)), followed


def _found(offline: Graph, node: Node, truth: Mapping[str, Array]) -> tuple[Array, ...]:
    """What every step of a recurrence finds of each memory."""
    op, inputs = node.op.core, tuple(truth[name] for name in node.inputs)
    if not isinstance(op, QuantizedRecurrence):
        raise TypeError(f"{node.label} is no recurrence with rounded hidden values")
    if not isinstance(node.op, PerWindow):
        return op.trajectory(inputs, tuple(state.start() for state in offline.states[node.name]))
    x, *constants = inputs
    return tuple(
        np.stack(rows) for rows in zip(*(op.trajectory((row, *constants), ()) for row in x), strict=True)
    )


def _late(subject: Subject, name: str, value: Array) -> Array:
    """Something of every frame of a tensor, as late as the step program takes that tensor, in whole steps."""
    type_, delay = subject.step.tensors[name], subject.step.timing.behind.get(name, 0)
    axis = (type_.time_axis or 0) + value.ndim - len(type_.shape)
    per_step, frames = type_.frames, value.shape[axis]
    behind = -(frames + delay) % per_step
    return np.pad(value, [(delay, behind) if k == axis else (0, 0) for k in range(value.ndim)])
