"""A C program's saved state (SPEC.md, section 5) as numbers, and as the states of the NumPy reference."""

from __future__ import annotations

import numpy as np

from edgeeeg_export.ops.cache import Cache
from edgeeeg_export.reference import States
from edgeeeg_export.targets.c_layout import StreamLayout
from edgeeeg_export.tensor import Array


def state_floats(layout: StreamLayout, saved: bytes) -> Array:
    """Every number of the state in execution order, without the samples that wait: (n_states,)."""
    return np.frombuffer(saved, dtype="<f4", offset=layout.saved_ahead)


def decode(layout: StreamLayout, saved: bytes) -> States:
    """What `edgeeeg_export.reference.run` continues from; exact, and only between two hops.

    A cache saves the frames that it looks back on and the newest hop behind them; of those the reference
    keeps the last.
    """
    graph = layout.graph
    values, at = state_floats(layout, saved), 0
    states = {}
    for node in graph.nodes:
        arrays = []
        for field, state in zip(layout.fields[node.name], graph.states[node.name], strict=True):
            stored = values[at : at + field.size]
            at += field.size
            if isinstance(node.op, Cache):
                shape = graph.tensors[node.outputs[0]].shape
                arrays.append(_last_frames(stored.reshape(shape), node.op))
            else:
                arrays.append(stored.reshape(state.shape))
        states[node.name] = tuple(np.array(array, dtype=np.float32) for array in arrays)
    return states


def _last_frames(frames: Array, cache: Cache) -> Array:
    return np.split(frames, [frames.shape[cache.axis] - cache.length], axis=cache.axis)[1]
