"""Gather: the elements of one axis at constant places, in any order, any number of times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeeeg_export.ops.axis import AxisWalk
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, Pads, lower_one, require
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Gather(Op):
    """y = x[..., indices, ...] along `axis`; `shape` of the indices takes the place of the axis."""

    axis: int
    indices: tuple[int, ...]
    shape: tuple[int, ...]

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """Gather with constant indices; those below 0 count from the end."""
        indices = node.constant(1)
        if indices is None:
            raise node.refuse("its indices must be constant")
        shape = node.type(0).shape
        axis = node.attribute("axis", 0) % len(shape)
        places = tuple(int(index) + (shape[axis] if index < 0 else 0) for index in indices.ravel())
        return lower_one(cls(axis, places, indices.shape), node, node.inputs[:1])

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The shape of the indices in place of the axis."""
        (x,) = inputs
        require(self.axis != x.time_axis, "it picks frames; a stream has no fixed first or last frame")
        require(
            all(0 <= index < x.shape[self.axis] for index in self.indices) and bool(self.indices),
            f"indices {self.indices} are outside axis {self.axis} of {x.shape}, or there are none",
        )
        shape = (*x.shape[: self.axis], *self.shape, *x.shape[self.axis + 1 :])
        if x.time_axis is None:
            return (TensorType(shape, dtype=x.dtype),)
        shift = 0 if x.time_axis < self.axis else len(self.shape) - 1
        return (TensorType(shape, x.time_axis + shift, x.samples_per_frame, x.dtype),)

    def padding_behind(self, x: TensorType, pads: Pads) -> Pads | None:
        """Padding of the other axes stays theirs."""
        if pads[self.axis] != (0, 0):
            return None
        return (*pads[: self.axis], *((0, 0) for _ in self.shape), *pads[self.axis + 1 :])

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Pick."""
        return (np.take(inputs[0], np.reshape(self.indices, self.shape), self.axis),), ()

    def emit_c(self, call: CCall) -> str:
        """Copies from a table of places."""
        walk = AxisWalk.along(call.input_types[0].shape, self.axis)
        n = len(self.indices)
        places = ", ".join(map(str, self.indices))
        source = f"{call.inputs[0]}[(r * {walk.extent} + places[k]) * {walk.inner} + i]"
        return (
            f"static const uint32_t places[{n}] = {{{places}}};\n"
            f"for (size_t r = 0; r < {walk.outer}; r++) {{\n"
            f"    for (size_t k = 0; k < {n}; k++) {{\n"
            f"        for (size_t i = 0; i < {walk.inner}; i++) {{\n"
            f"            {call.outputs[0]}[(r * {n} + k) * {walk.inner} + i] = {source};\n"
            "        }\n    }\n}"
        )

    def to_onnx(self, call: OnnxCall) -> None:
        """Gather."""
        places = call.builder.constant(np.reshape(self.indices, self.shape), "int64")
        call.builder.add("Gather", (call.inputs[0], places), call.outputs[0], axis=self.axis)
