"""Concat: tensors one after the other along an axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, lower_one, require
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Concat(Op):
    """y = all inputs, in order, along `axis`."""

    axis: int

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """Concat."""
        return lower_one(cls(node.attribute("axis", 0) % len(node.type(0).shape)), node)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The extents of the axis added up; all inputs vary in time, on one axis at one rate, or none."""
        shapes = [type_.shape for type_ in inputs]
        rest = {(*shape[: self.axis], *shape[self.axis + 1 :]) for shape in shapes}
        require(
            len({len(shape) for shape in shapes}) == 1 and len(rest) == 1,
            f"shapes {shapes} differ in more than axis {self.axis}",
        )
        require(len({type_.dtype for type_ in inputs}) == 1, "its operands are of different types")
        times = {(type_.time_axis, type_.samples_per_frame) for type_ in inputs}
        require(
            len(times) == 1,
            "its operands have different time axes or frame rates, or one of them is constant in time",
        )
        ((time_axis, samples_per_frame),) = times
        extent = sum(shape[self.axis] for shape in shapes)
        shape = (*shapes[0][: self.axis], extent, *shapes[0][self.axis + 1 :])
        return (TensorType(shape, time_axis, samples_per_frame, inputs[0].dtype),)

    def obstacle(self, inputs: tuple[TensorType, ...]) -> str | None:
        """One recording behind another."""
        if inputs[0].time_axis == self.axis:
            return "it puts one stretch of time behind another; join channels or features instead"
        return None

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Join."""
        return (np.concatenate(inputs, axis=self.axis),), ()

    def emit_c(self, call: CCall) -> str:
        """For every outer row, the rows of all inputs."""
        shape = call.output_types[0].shape
        outer = int(np.prod(shape[: self.axis], dtype=np.int64))
        row, at, copies = call.output_types[0].size // outer, 0, []
        for pointer, type_ in zip(call.inputs, call.input_types, strict=True):
            part = type_.size // outer
            target = f"{call.outputs[0]}[{row} * r + {at} + i]"
            copies.append(
                f"    for (size_t i = 0; i < {part}; i++) {{\n"
                f"        {target} = {pointer}[{part} * r + i];\n    }}\n"
            )
            at += part
        return f"for (size_t r = 0; r < {outer}; r++) {{\n{''.join(copies)}}}"

    def to_onnx(self, call: OnnxCall) -> None:
        """Concat."""
        call.builder.add("Concat", call.inputs, call.outputs[0], axis=self.axis)
