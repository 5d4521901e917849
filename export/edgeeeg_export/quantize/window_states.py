"""States of recurrences that begin anew in each window: what they are worth on the way through it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeeeg_export.ops.fresh import Fresh
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.per_window import PerWindow
from edgeeeg_export.ops.recurrence import Recurrence
from edgeeeg_export.tensor import Array, TensorType

Memories = dict[str, Array]
"""States of a layer by name."""


def window_states(op: Op, operands: tuple[Array, ...]) -> Iterator[Memories]:
    """The states at the frames of each window, of many at once or of one after the other.

    Parameters
    ----------
    op : Op
        A layer of floats.
    operands : tuple of array
        Windows, as the layer reads them, and its constants.
    """
    if isinstance(op, PerWindow):
        for window in range(len(operands[op.varying.index(True)])):
            pairs = zip(operands, op.varying, strict=True)
            yield from window_states(op.op, tuple(x[window] if varies else x for x, varies in pairs))
    elif isinstance(op, Fresh):
        yield from _behind_each_frame(op, operands)
    elif isinstance(op, Recurrence):
        yield dict(zip(op.memories, op.trajectory(operands, ()), strict=True))


def _behind_each_frame(op: Fresh, operands: tuple[Array, ...]) -> Iterator[Memories]:
    """States of a layer that walks over one window, as if it were a stream."""
    types = tuple(
        TensorType(x.shape, axis, 0 if axis is None else 1) for x, axis in zip(operands, op.axes, strict=True)
    )
    own = op.op.states(types)
    names, states = tuple(state.name for state in own), tuple(state.start() for state in own)
    frames = next(type_.frames for type_ in types if type_.time_axis is not None)
    for t in range(frames):
        frame = tuple(
            x if axis is None else np.take(x, [t], axis) for x, axis in zip(operands, op.axes, strict=True)
        )
        _, states = op.op.run(frame, states)
        yield dict(zip(names, states, strict=True))
