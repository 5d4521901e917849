"""Delay: y[t] = x[t - frames], initial zeros before that: what lets branches of unequal delay meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeeeg_export.ops.op import CCall, OnnxCall, Op, require
from edgeeeg_export.tensor import SUFFIX, Array, State, TensorType


@dataclass(frozen=True, slots=True)
class Delay(Op):
    """x, `frames` later along `axis`; placed by the streaming pass."""

    frames: int
    axis: int

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of x."""
        require(inputs[0].time_axis == self.axis, f"a delay along axis {self.axis} needs time there")
        return inputs

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """The frames on their way."""
        shape = inputs[0].shape
        return (
            State(
                "frames", (*shape[: self.axis], self.frames, *shape[self.axis + 1 :]), dtype=inputs[0].dtype
            ),
        )

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Append, and give out the oldest."""
        waiting = np.concatenate([states[0], inputs[0]], axis=self.axis)
        y, kept = np.split(waiting, [inputs[0].shape[self.axis]], axis=self.axis)
        return (np.ascontiguousarray(y),), (np.ascontiguousarray(kept),)

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_kernels.h."""
        shape = call.input_types[0].shape
        rows = int(np.prod(shape[: self.axis], dtype=np.int64))
        frame = int(np.prod(shape[self.axis + 1 :], dtype=np.int64))
        sizes = f"{rows}, {self.frames * frame}, {shape[self.axis] * frame}"
        kernel = f"edgeeeg_delay{SUFFIX[call.input_types[0].dtype]}"
        return f"{kernel}({call.inputs[0]}, {call.outputs[0]}, {call.states[0]}, {sizes});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Concat, and Slice for both ends."""
        add, constant = call.builder.add, call.builder.constant
        shape, axis = call.input_types[0].shape, constant([self.axis], "int64")
        waiting = add("Concat", (call.states[0], call.inputs[0]), axis=self.axis)
        frames, end = constant([shape[self.axis]], "int64"), shape[self.axis] + self.frames
        add("Slice", (waiting, constant([0], "int64"), frames, axis), call.outputs[0])
        add("Slice", (waiting, frames, constant([end], "int64"), axis), call.next_states[0])
