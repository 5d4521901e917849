"""The shape of every operator that works element by element, with one operand or with two."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.loop_nest import element, nest
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, lower_one, require
from edgeeeg_export.tensor import Array, TensorType


class Unary(Op):
    """y = f(x), element by element; a subclass gives f in NumPy and as a C expression in `v`."""

    __slots__ = ()
    in_place: ClassVar[bool] = True
    c_expression: ClassVar[str]

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """The operator of the same name."""
        return lower_one(cls(), node)

    @staticmethod
    @abstractmethod
    def function(x: Array) -> Array:
        """The function f in NumPy float32, bit for bit as `c_expression`."""

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of the input."""
        return inputs

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Apply f."""
        return (self.function(inputs[0]),), ()

    def emit_c(self, call: CCall) -> str:
        """One loop over the elements."""
        return (
            f"for (size_t i = 0; i < {call.output_types[0].size}; i++) {{\n"
            f"    const float v = {call.inputs[0]}[i];\n"
            f"    {call.outputs[0]}[i] = {self.c_expression};\n"
            "}"
        )

    def to_onnx(self, call: OnnxCall) -> None:
        """The standard operator of the same name."""
        call.builder.add(self.kind, call.inputs, call.outputs[0])


@dataclass(frozen=True, slots=True)
class _Walk:
    """Where operand elements lie as the output is walked in order: extent and element strides per axis."""

    shape: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]


class Binary(Op):
    """y = a ∘ b with ONNX (NumPy) broadcasting; a subclass gives ∘ in NumPy and as C in `a` and `b`."""

    __slots__ = ()
    in_place: ClassVar[bool] = True
    c_expression: ClassVar[str]

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """The operator of the same name."""
        return lower_one(cls(), node)

    @staticmethod
    @abstractmethod
    def function(a: Array, b: Array) -> Array:
        """The operation in NumPy float32."""

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The broadcast type; two operands that vary in time must do so on the same axis at the same rate."""
        try:
            shape = np.broadcast_shapes(*(type_.shape for type_ in inputs))
        except ValueError:
            shapes = " and ".join(str(type_.shape) for type_ in inputs)
            require(False, f"shapes {shapes} do not broadcast")
        bases = {
            (type_.time_axis - len(type_.shape), type_.samples_per_frame)
            for type_ in inputs
            if type_.time_axis is not None
        }
        require(len(bases) <= 1, "its operands have different time axes or frame rates")
        if not bases:
            return (TensorType(shape),)
        ((axis, samples_per_frame),) = bases
        constant = [type_ for type_ in inputs if type_.time_axis is None]
        frames_vary = any(len(t.shape) >= -axis and t.shape[axis] != 1 for t in constant)
        require(not frames_vary, "it adds a constant that differs from frame to frame; use one per channel")
        return (TensorType(shape, len(shape) + axis, samples_per_frame),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Apply the operation."""
        return (self.function(inputs[0], inputs[1]),), ()

    def emit_c(self, call: CCall) -> str:
        """Nested loops over the axes that matter, with the operands' own strides."""
        walk = _walk(call.output_types[0].shape, tuple(type_.shape for type_ in call.input_types))
        a, b, y = (element(strides) for strides in walk.strides)
        return nest(
            walk.shape,
            (
                f"const float a = {call.inputs[0]}[{a}];",
                f"const float b = {call.inputs[1]}[{b}];",
                f"{call.outputs[0]}[{y}] = {self.c_expression};",
            ),
        )

    def to_onnx(self, call: OnnxCall) -> None:
        """The standard operator of the same name."""
        call.builder.add(self.kind, call.inputs, call.outputs[0])


def _walk(shape: tuple[int, ...], operands: tuple[tuple[int, ...], ...]) -> _Walk:
    """Strides of both operands and the result, with neighbouring axes merged where all walk them alike."""
    strides = [_broadcast_strides(operand, shape) for operand in (*operands, shape)]
    extents: list[int] = []
    merged: list[list[int]] = [[] for _ in strides]
    for axis, extent in enumerate(shape):
        if extent == 1:
            continue
        if extents and all(kept[-1] == own[axis] * extent for kept, own in zip(merged, strides, strict=True)):
            extents[-1] *= extent
            for kept, own in zip(merged, strides, strict=True):
                kept[-1] = own[axis]
            continue
        extents.append(extent)
        for kept, own in zip(merged, strides, strict=True):
            kept.append(own[axis])
    return _Walk(tuple(extents), tuple(tuple(kept) for kept in merged))


def _broadcast_strides(operand: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    padded = (1,) * (len(shape) - len(operand)) + operand
    strides, step = [], 1
    for extent in reversed(padded):
        strides.append(0 if extent == 1 else step)
        step *= extent
    return tuple(reversed(strides))
