"""LSTM, GRU and RNN of ONNX, with constant weights, initial states and standard activations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeeeg_export.ops.op import Lowered, OnnxNode
from edgeeeg_export.ops.recurrence import Recurrence
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.windows import Windows
from edgeeeg_export.tensor import Array, TensorType


def recurrence_from_onnx(cls: type[Recurrence], node: OnnxNode) -> Lowered:
    """LSTM, GRU or RNN with constant weights, initial state and standard activations."""
    weight, recurrent, bias = (node.constant(k) for k in (1, 2, 3))
    if weight is None or recurrent is None:
        raise node.refuse("its weights must be constant")
    direction, layout = node.attribute("direction", "forward"), node.attribute("layout", 0)
    x, n_directions, hidden = node.type(0), recurrent.shape[0], recurrent.shape[2]
    wanted = [name.decode().lower() for name in node.attribute("activations", [])]
    if wanted not in ([], [name.lower() for name in cls.activations * n_directions]):
        raise node.refuse(f"its activations must be {', '.join(cls.activations)}, not {', '.join(wanted)}")
    if node.attribute("clip", 0.0) or node.attribute("input_forget", 0):
        raise node.refuse("clip and input_forget are not supported; leave them out")
    lengths = node.constant(4)
    if lengths is not None and not (lengths == x.shape[layout]).all():
        raise node.refuse("sequences of unequal lengths are not supported; leave sequence_lens out")
    if len(node.inputs) > 7 and node.inputs[7]:
        raise node.refuse("peepholes are not supported; train it without")
    starts = [node.constant(5 + k) for k in range(len(cls.memories))]
    initial: tuple[tuple[float, ...], ...] = ()
    if any(start is not None and start.any() for start in starts):
        shape = (n_directions, x.shape[1 - layout], hidden)
        initial = tuple(tuple(float(v) for v in _initial(start, layout, shape).ravel()) for start in starts)
    if bias is None:
        bias = np.zeros((n_directions, 2 * cls.gates * hidden), dtype=np.float32)
    final = [f"final_{name}" for k, name in enumerate(cls.memories) if node.used(1 + k)]
    op = cls(
        direction=direction, layout=layout, outputs=("y", *final), initial=initial, **cls.attributes(node)
    )
    results = [node.outputs[0] or f"{node.outputs[-1]}.sequence"]
    results += [node.outputs[1 + k] for k in range(len(cls.memories)) if node.used(1 + k)]
    names = (
        node.inputs[0],
        node.add_constant(weight, "weight"),
        node.add_constant(recurrent, "recurrent_weight"),
        node.add_constant(cls.merge(bias.astype(np.float32), hidden), "bias"),
    )
    if final == ["final_h"] and op.carries(x):
        return _last_frame(op, x, hidden, names, *results)
    return ((op, names, tuple(results)),)


def _last_frame(
    op: Recurrence, x: TensorType, hidden: int, names: tuple[str, ...], y: str, final: str
) -> Lowered:
    """The final h of a layer that is carried for ever: what its result is at the end of each window."""
    last = f"{final}.last"
    frame = Windows(op.layout, 2 if op.layout == 0 else 0, 1, skip=x.frames - 1)
    shape = (1, -1, hidden) if op.layout == 0 else (-1, 1, hidden)
    return (
        (replace(op, outputs=("y",)), names, (y,)),
        (frame, (y,), (last,)),
        (Reshape(shape), (last,), (final,)),
    )


def _initial(start: np.ndarray | None, layout: int, shape: tuple[int, int, int]) -> Array:
    """An initial memory as (directions, batch, hidden)."""
    if start is None:
        return np.zeros(shape, dtype=np.float32)
    value = start.astype(np.float32)
    return value if layout == 0 else np.moveaxis(value, 0, 1)
