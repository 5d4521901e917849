"""ArgMax and ArgMin: the place of the greatest or least element along an axis, as a whole float."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.axis import AxisWalk, needs_window
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, lower_one, require
from edgeeeg_export.tensor import Array, TensorType

LARGEST_INDEX = 2**24
"""Up to here every whole number is a float."""


@dataclass(frozen=True, slots=True)
class ArgMax(Op):
    """Index of the greatest element along `axis`: the first of equals, or the last."""

    axis: int
    keepdims: bool = True
    select_last: bool = False
    comparison: ClassVar[str] = ">"

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """ArgMax or ArgMin along an axis, the first unless named."""
        axis = node.attribute("axis", 0) % len(node.type(0).shape)
        last = bool(node.attribute("select_last_index", 0))
        return lower_one(cls(axis, bool(node.attribute("keepdims", 1)), last), node)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The axis of extent one, or gone."""
        (x,) = inputs
        require(x.shape[self.axis] <= LARGEST_INDEX, f"an index into {x.shape} may not be a float")
        before, after = x.shape[: self.axis], x.shape[self.axis + 1 :]
        shape = (*before, 1, *after) if self.keepdims else (*before, *after)
        if x.time_axis is None or x.time_axis == self.axis:
            return (TensorType(shape),)
        shift = 0 if self.keepdims or x.time_axis < self.axis else 1
        return (TensorType(shape, x.time_axis - shift, x.samples_per_frame),)

    def obstacle(self, inputs: tuple[TensorType, ...]) -> str | None:
        """A place in time."""
        return needs_window(inputs[0], (self.axis,), "take it over channels or classes")

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Compare along the axis in order."""
        x = inputs[0]
        best = np.take(x, 0, self.axis)
        place = np.zeros(best.shape, dtype=np.float32)
        for k in range(1, x.shape[self.axis]):
            value = np.take(x, k, self.axis)
            better = value > best if self.comparison == ">" else value < best
            better |= (value == best) & self.select_last
            best, place = np.where(better, value, best), np.where(better, np.float32(k), place)
        return (np.expand_dims(place, self.axis) if self.keepdims else place,), ()

    def emit_c(self, call: CCall) -> str:
        """A search within each row."""
        walk = AxisWalk.along(call.input_types[0].shape, self.axis)
        comparison = f"{self.comparison}=" if self.select_last else self.comparison
        return (
            f"for (size_t o = 0; o < {walk.outer}; o++) {{\n"
            f"    for (size_t i = 0; i < {walk.inner}; i++) {{\n"
            f"        const float *row = {call.inputs[0]} + o * {walk.extent * walk.inner} + i;\n"
            "        size_t best = 0;\n"
            f"        for (size_t k = 1; k < {walk.extent}; k++) {{\n"
            f"            best = row[k * {walk.inner}] {comparison} row[best * {walk.inner}] ? k : best;\n"
            "        }\n"
            f"        {call.outputs[0]}[o * {walk.inner} + i] = (float)best;\n"
            "    }\n}"
        )

    def to_onnx(self, call: OnnxCall) -> None:
        """The standard operator of the same name, and Cast."""
        place = call.builder.add(
            self.kind,
            call.inputs,
            axis=self.axis,
            keepdims=int(self.keepdims),
            select_last_index=int(self.select_last),
        )
        call.builder.add("Cast", (place,), call.outputs[0], to=1)  # float


@dataclass(frozen=True, slots=True)
class ArgMin(ArgMax):
    """Index of the least element along `axis`."""

    comparison: ClassVar[str] = "<"
