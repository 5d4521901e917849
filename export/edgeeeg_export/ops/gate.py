"""Gate: y = x where its frame lies within the recording, else a padding value.

A tensor that is `delay` frames behind holds frames from before the start in its first steps, and frames from
after the end when a stream is flushed. For a layer that pads, these are padding and not features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.axis import AxisWalk
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.op import CCall, OnnxCall, Op, require
from edgeeeg_export.ops.requantize_onnx import as_float_if_int16
from edgeeeg_export.tensor import SUFFIX, Array, TensorType

ENDLESS = 2.0**30
"""Frames that a recording has while it has not ended."""


@dataclass(frozen=True, slots=True)
class Gate(Op):
    """Inputs x and the clock; frame j of step k is number k n + j - delay, for n frames a step.

    A recording of K steps has K n + surplus of them.
    """

    axis: int
    delay: int
    surplus: int
    padding: float
    in_place: ClassVar[bool] = True

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of x."""
        x, clock = inputs
        require(
            x.time_axis == self.axis and x.frames % clock.frames == 0, f"{x.shape} has no whole steps of time"
        )
        return (x,)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Compare every frame's number with the first and the last."""
        x, clock = inputs
        n = x.shape[self.axis] // len(clock)
        steps, ended = clock[:, :1], clock[:, 1:]
        frame = np.arange(n, dtype=np.float32)
        end = np.where(ended > 0, self.delay + self.surplus - (ended - 1) * n, np.float32(ENDLESS))
        valid = (steps * n + frame >= self.delay) & (frame < end)
        shape = [-1 if axis == self.axis else 1 for axis in range(x.ndim)]
        return (np.where(valid.reshape(shape), x, x.dtype.type(self.padding)),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_kernels.h."""
        walk = AxisWalk.along(call.input_types[0].shape, self.axis)
        dtype = call.input_types[0].dtype
        padding = literal(self.padding) if dtype == "float32" else str(int(self.padding))
        numbers = f"{literal(self.delay)}, {literal(self.surplus)}, {padding}"
        operands = ", ".join((*call.inputs, call.outputs[0]))
        return f"edgeeeg_gate{SUFFIX[dtype]}({operands}, {walk.arguments}, {numbers});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Comparisons and Where, for one step."""
        add, constant = call.builder.add, call.builder.constant
        x, clock = call.inputs
        n, rank = call.input_types[0].frames, len(call.input_types[0].shape)
        shape = [1] * rank
        shape[self.axis] = n
        frame = constant(np.arange(n).reshape(shape))
        steps, ended = (
            add(
                "Reshape",
                (add("Gather", (clock, constant(k, "int64")), axis=1), constant([1] * rank, "int64")),
            )
            for k in (0, 1)
        )
        number = add("Add", (add("Mul", (steps, constant(float(n)))), frame))
        begun = add("GreaterOrEqual", (number, constant(float(self.delay))))
        last = constant(float(self.delay + self.surplus + n))
        end = add("Sub", (last, add("Mul", (ended, constant(float(n))))))
        running = add("Greater", (ended, constant(0.0)))
        within = add("Less", (frame, add("Where", (running, end, constant(ENDLESS)))))
        valid = add("And", (begun, within))
        dtype = call.input_types[0].dtype
        padding = constant(self.padding, "float32" if dtype == "int16" else dtype)

        def choose(operand: str, name: str | None) -> str:
            return add("Where", (valid, operand, padding), name)

        as_float_if_int16(call.builder, x, dtype, choose, call.outputs[0])
