"""Frame: y[f, j] = x[f step + j - pad], overlapping frames of an axis; zeros before its start."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export.ops.axis import AxisWalk
from edgeeeg_export.ops.loop_nest import nest
from edgeeeg_export.ops.op import CCall, OnnxCall, Op, Pads, Sliding, TimeWindow, require
from edgeeeg_export.ops.requantize_onnx import as_float_if_int16
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Frame(Sliding):
    """x (…, n, …) becomes (…, frames, length, …): along time, a frame every `step` of x's own frames.

    A negative `pad` leaves out the first elements, `rest` the last ones.
    """

    axis: int
    length: int
    step: int
    pad: int = 0
    rest: int = 0

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """An axis more; time stays on the first of the two."""
        (x,) = inputs
        room = x.shape[self.axis] + self.pad - self.rest - self.length
        require(room >= 0, f"axis {self.axis} of {x.shape} is shorter than a frame of {self.length}")
        shape = (*x.shape[: self.axis], room // self.step + 1, self.length, *x.shape[self.axis + 1 :])
        if x.time_axis == self.axis:
            return (TensorType(shape, self.axis, x.samples_per_frame * self.step, x.dtype),)
        if x.time_axis is not None and x.time_axis > self.axis:
            return (replace(x, shape=shape, time_axis=x.time_axis + 1),)
        return (replace(x, shape=shape),)

    def time_window(self, inputs: tuple[TensorType, ...]) -> TimeWindow | None:
        """A frame, where it is one of time."""
        if inputs[0].time_axis != self.axis:
            return None
        return TimeWindow(self.length, self.step, self.pad, -self.rest)

    def over(self, inputs: tuple[TensorType, ...], before: int, after: int) -> Sliding:
        """Frames from another place on, up to another."""
        return replace(self, pad=before, rest=-after)

    def with_padding(self, pads: Pads) -> Op | None:
        """Frames that begin in as many zeros more."""
        before, after = pads[self.axis]
        elsewhere = any(pair != (0, 0) for axis, pair in enumerate(pads) if axis != self.axis)
        return None if elsewhere or before < 0 or after else replace(self, pad=self.pad + before)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Pick frame by frame."""
        (x,) = inputs
        picked = self._picked(x.shape[self.axis])
        if self.pad > 0:
            x = np.pad(x, [(self.pad if axis == self.axis else 0, 0) for axis in range(x.ndim)])
        return (np.take(x, picked, axis=self.axis),), ()

    def _picked(self, extent: int) -> np.ndarray:
        """Where in the padded axis each element comes from, (frames, length)."""
        frames = (extent + self.pad - self.rest - self.length) // self.step + 1
        return np.arange(frames)[:, None] * self.step + np.arange(self.length) + max(-self.pad, 0)

    def view(self, inputs: tuple[TensorType, ...]) -> tuple[int, ...] | None:
        """The same memory, where one frame is all there is: a hop of one step behind its cache."""
        return (0,) if self.pad == 0 and inputs[0].shape[self.axis] == self.length else None

    def emit_c(self, call: CCall) -> str:
        """Nested loops over the output."""
        walk = AxisWalk.along(call.input_types[0].shape, self.axis)
        frames = call.output_types[0].shape[self.axis]
        at = f"i1 * {self.step} + i2" + (
            f" {'-' if self.pad > 0 else '+'} {abs(self.pad)}" if self.pad else ""
        )
        source = f"{call.inputs[0]}[(i0 * {walk.extent} + at) * {walk.inner} + i3]"
        value = f"at < {walk.extent} ? {source} : 0.0f" if self.pad > 0 else source
        return "size_t o = 0;\n" + nest(
            (walk.outer, frames, self.length, walk.inner),
            (
                f"const size_t at = {at};"
                + (" /* in front of the input it wraps */" if self.pad > 0 else ""),
                f"{call.outputs[0]}[o++] = {value};",
            ),
        )

    def to_onnx(self, call: OnnxCall) -> None:
        """Pad and Gather with constant indices."""
        add, constant, x = call.builder.add, call.builder.constant, call.inputs[0]
        if self.pad > 0:
            rank = len(call.input_types[0].shape)
            pads = [self.pad if axis == self.axis else 0 for axis in range(2 * rank)]
            padding = constant(pads, "int64")
            dtype = call.input_types[0].dtype
            x = as_float_if_int16(
                call.builder, x, dtype, lambda part, name: add("Pad", (part, padding), name)
            )
        picked = constant(self._picked(call.input_types[0].shape[self.axis]), "int64")
        add("Gather", (x, picked), call.outputs[0], axis=self.axis)
