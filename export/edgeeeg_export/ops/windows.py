"""Windows: y[w] = `length` frames of x from w stride + skip on, windows of time as a batch.

What needs its whole window at once reads these: time moves to the axis `batch`, of extent one in x, and each
window is computed as if it were a recording of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export.ops.axis import AxisWalk
from edgeeeg_export.ops.loop_nest import element, nest
from edgeeeg_export.ops.op import CCall, OnnxCall, Sliding, TimeWindow, require
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Windows(Sliding):
    """x (…, 1, …, frames, …) becomes (…, windows, …, length, …), a window every `stride` frames.

    `axis` is that of time, `batch` the axis of extent one that the windows take. There are as many as whole
    windows of skip + length + rest frames.
    """

    axis: int
    batch: int
    length: int
    stride: int = 1
    skip: int = 0
    rest: int = 0

    @property
    def whole(self) -> int:
        """Frames of a whole window, of which `length` are taken."""
        return self.skip + self.length + self.rest

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """Time on the axis of the batch, its frames further apart by the stride."""
        (x,) = inputs
        require(
            x.time_axis == self.axis and x.shape[self.batch] == 1 and self.batch != self.axis,
            f"{x.shape} has no time on axis {self.axis}, or axis {self.batch} is not free for its windows",
        )
        room = x.frames - self.whole
        require(room >= 0, f"{x.frames} frames of {x.shape} are fewer than a window of {self.whole}")
        shape = list(x.shape)
        shape[self.axis], shape[self.batch] = self.length, room // self.stride + 1
        return (TensorType(tuple(shape), self.batch, x.samples_per_frame * self.stride, x.dtype),)

    def time_window(self, inputs: tuple[TensorType, ...]) -> TimeWindow | None:
        """The window itself."""
        return TimeWindow(self.length, self.stride, -self.skip, -self.rest)

    def over(self, inputs: tuple[TensorType, ...], before: int, after: int) -> Sliding:
        """Windows with another place in whole ones."""
        return replace(self, skip=-before, rest=-after)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Pick window by window."""
        (x,) = inputs
        windows = np.take(x, self._picked(x.shape[self.axis]), axis=self.axis)  # (…, windows, length, …)
        moved = np.moveaxis(windows, self.axis, 0)
        # the batch's axis of extent one goes, and the windows take its place
        return (np.ascontiguousarray(np.moveaxis(moved.squeeze(self.batch + 1), 0, self.batch)),), ()

    def _picked(self, extent: int) -> np.ndarray:
        """Where each element comes from, (windows, length)."""
        count = (extent - self.whole) // self.stride + 1
        return self.skip + np.arange(count)[:, None] * self.stride + np.arange(self.length)

    def view(self, inputs: tuple[TensorType, ...]) -> tuple[int, ...] | None:
        """The same memory where one window is all there is, or one row from its start on."""
        x = inputs[0].shape
        walk = AxisWalk.along(x, self.axis)
        one = walk.extent - self.whole < self.stride
        return (self.skip * walk.inner,) if one and (walk.outer == 1 or walk.extent == self.length) else None

    def emit_c(self, call: CCall) -> str:
        """Nested loops over the output."""
        x = call.input_types[0].shape
        strides = [int(np.prod(x[axis + 1 :], dtype=np.int64)) for axis in range(len(x))]
        strides[self.batch] = self.stride * strides[self.axis]
        first = f"{self.skip * strides[self.axis]} + " if self.skip else ""
        source = f"{call.inputs[0]}[{first}{element(strides)}]"
        return "size_t o = 0;\n" + nest(call.output_types[0].shape, (f"{call.outputs[0]}[o++] = {source};",))

    def to_onnx(self, call: OnnxCall) -> None:
        """Gather with constant indices, and Transpose."""
        add, constant, x = call.builder.add, call.builder.constant, call.input_types[0].shape
        picked = constant(self._picked(x[self.axis]), "int64")
        windows = add("Gather", (call.inputs[0], picked), axis=self.axis)
        at = self.batch if self.batch < self.axis else self.batch + 1
        bare = add("Squeeze", (windows, constant([at], "int64")))
        source = self.axis if self.batch > self.axis else self.axis - 1  # where the windows are now
        order = [axis for axis in range(len(x)) if axis != source]
        order.insert(self.batch, source)
        add("Transpose", (bare,), call.outputs[0], perm=order)
