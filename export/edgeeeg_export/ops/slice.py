"""Slice: a contiguous range of one axis of x."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, require
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Slice(Op):
    """y = x[..., start:stop, ...] along `axis`, which is not time."""

    axis: int
    start: int
    stop: int

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """Slice with constant bounds and step 1; several axes become several operators."""
        shape = node.type(0).shape
        starts, stops, axes, steps = (node.constant(index) for index in range(1, 5))
        if starts is None or stops is None or (steps is not None and np.any(steps != 1)):
            raise node.refuse("Slice needs constant bounds and a step of 1")
        chosen = range(len(starts)) if axes is None else axes
        lowered, source = [], node.inputs[0]
        for k, (axis, start, stop) in enumerate(zip(chosen, starts, stops, strict=True)):
            extent = shape[axis]
            low, high, _ = slice(int(start), int(stop)).indices(extent)
            target = node.outputs[0] if k == len(starts) - 1 else f"{node.outputs[0]}.{k}"
            lowered.append((cls(int(axis) % len(shape), low, high), (source,), (target,)))
            source = target
        return tuple(lowered)

    @classmethod
    def from_split(cls, node: OnnxNode) -> Lowered:
        """Split: one slice per output."""
        shape = node.type(0).shape
        axis = node.attribute("axis", 0) % len(shape)
        sizes = node.constant(1)
        if sizes is None:
            even = -(-shape[axis] // len(node.outputs))
            sizes = np.diff([*range(0, shape[axis], even), shape[axis]])
        ends = np.cumsum(sizes)
        return tuple(
            (cls(axis, int(end - size), int(end)), node.inputs[:1], (name,))
            for name, size, end in zip(node.outputs, sizes, ends, strict=True)
        )

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The axis shortened to stop - start."""
        (x,) = inputs
        require(self.axis != x.time_axis, "it cuts the time axis; a stream has no fixed first or last frame")
        require(0 <= self.start < self.stop <= x.shape[self.axis], f"range outside {x.shape}")
        shape = (*x.shape[: self.axis], self.stop - self.start, *x.shape[self.axis + 1 :])
        return (replace(x, shape=shape),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Cut."""
        index = (slice(None),) * self.axis + (slice(self.start, self.stop),)
        return (inputs[0][index],), ()

    def view(self, inputs: tuple[TensorType, ...]) -> tuple[int, ...] | None:
        """A range of the input's memory, when nothing longer than one lies outside the axis."""
        shape = inputs[0].shape
        if any(extent != 1 for extent in shape[: self.axis]):
            return None
        return (self.start * int(np.prod(shape[self.axis + 1 :], dtype=np.int64)),)

    def emit_c(self, call: CCall) -> str:
        """Copy the range of each outer row."""
        shape = call.input_types[0].shape
        inner = int(np.prod(shape[self.axis + 1 :], dtype=np.int64))
        outer = int(np.prod(shape[: self.axis], dtype=np.int64))
        kept, row = (self.stop - self.start) * inner, shape[self.axis] * inner
        source = f"{call.inputs[0]}[{row} * r + {self.start * inner} + i]"
        return (
            f"for (size_t r = 0; r < {outer}; r++) {{\n"
            f"    for (size_t i = 0; i < {kept}; i++) {{\n"
            f"        {call.outputs[0]}[{kept} * r + i] = {source};\n"
            "    }\n}"
        )

    def to_onnx(self, call: OnnxCall) -> None:
        """Slice."""
        bounds = [call.builder.constant([value], "int64") for value in (self.start, self.stop, self.axis)]
        call.builder.add("Slice", (*call.inputs, *bounds), call.outputs[0])
