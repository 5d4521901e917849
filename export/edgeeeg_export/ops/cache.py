"""Cache: y = the last `length` frames before x, then x; zeros before the first sample."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export.ops.op import CCall, OnnxCall, Op, require
from edgeeeg_export.tensor import Array, State, TensorType


@dataclass(frozen=True, slots=True)
class Cache(Op):
    """What lets a convolution look back: x (1, channels, n) becomes (1, channels, length + n).

    Placed by the streaming pass; zero initial frames equal the zero padding of the offline layer exactly.
    In C the state holds all length + n frames and is itself the output, so nothing is copied twice.
    """

    length: int

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """Longer by `length` frames."""
        (x,) = inputs
        require(x.time_axis == len(x.shape) - 1, "a cache needs time as its last axis")
        return (replace(x, shape=(*x.shape[:-1], x.shape[-1] + self.length)),)

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """The last `length` frames."""
        return (State("frames", (*inputs[0].shape[:-1], self.length)),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Concatenate, and keep the end."""
        y = np.concatenate([states[0], inputs[0]], axis=-1)
        return (y,), (y[..., y.shape[-1] - self.length :],)

    def emit_c(self, call: CCall) -> str:
        """Shift the state by the new frames and append them; the output is the state."""
        frames = call.input_types[0].shape[-1]
        rows = call.input_types[0].size // frames
        return f"edgeeeg_cache({call.inputs[0]}, {call.outputs[0]}, {rows}, {self.length}, {frames});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Concat, and Slice for the next state."""
        frames, axis = call.input_types[0].shape[-1], len(call.input_types[0].shape) - 1
        y = call.builder.add("Concat", (call.states[0], call.inputs[0]), call.outputs[0], axis=axis)
        ends = [call.builder.constant([v], "int64") for v in (frames, frames + self.length, axis)]
        call.builder.add("Slice", (y, *ends), call.next_states[0])
