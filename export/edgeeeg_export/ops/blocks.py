"""Blocks: windows on the axis of the batch become stretches of the time axis, one after the other.

The inverse of windows that do not overlap. What works frame by frame needs no other form for the edges of
windows than for a stream: they are a stream of blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from edgeeeg_export.ops.axis import AxisWalk
from edgeeeg_export.ops.loop_nest import element, nest
from edgeeeg_export.ops.op import CCall, OnnxCall, Op, require
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Blocks(Op):
    """x (…, windows, …, length, …) becomes (…, 1, …, windows length, …), time on `axis` and not `batch`."""

    axis: int
    batch: int

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """As many frames more as a window has."""
        (x,) = inputs
        require(x.time_axis == self.batch, f"{x.shape} has no windows on axis {self.batch}")
        shape, length = list(x.shape), x.shape[self.axis]
        shape[self.axis], shape[self.batch] = x.frames * length, 1
        return (TensorType(tuple(shape), self.axis, Fraction(x.samples_per_frame) / length, x.dtype),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Window after window."""
        (x,) = inputs
        shape = [1 if axis == self.batch else extent for axis, extent in enumerate(x.shape)]
        shape[self.axis] = -1
        at = self.axis if self.axis < self.batch else self.axis - 1
        return (np.moveaxis(x, self.batch, at).reshape(shape),), ()

    def view(self, inputs: tuple[TensorType, ...]) -> tuple[int, ...] | None:
        """The same memory for one window."""
        return (0,) if inputs[0].shape[self.batch] == 1 else None

    def emit_c(self, call: CCall) -> str:
        """Nested loops over the output."""
        x, y = call.input_types[0].shape, call.output_types[0].shape
        strides = [AxisWalk.along(x, axis).inner for axis in range(len(x))]
        i, length = f"i{self.axis}", x[self.axis]
        at = f"{i} / {length} * {strides[self.batch]} + {i} % {length} * {strides[self.axis]}"
        strides[self.axis] = 0
        source = f"{call.inputs[0]}[{element(strides)} + {at}]"
        return "size_t o = 0;\n" + nest(y, (f"{call.outputs[0]}[o++] = {source};",))

    def to_onnx(self, call: OnnxCall) -> None:
        """Transpose and Reshape."""
        rank = len(call.input_types[0].shape)
        order = [axis for axis in range(rank) if axis != self.batch]
        order.insert(self.axis if self.axis < self.batch else self.axis - 1, self.batch)
        moved = call.builder.add("Transpose", (call.inputs[0],), perm=order)
        shape = call.builder.constant(list(call.output_types[0].shape), "int64")
        call.builder.add("Reshape", (moved, shape), call.outputs[0])
