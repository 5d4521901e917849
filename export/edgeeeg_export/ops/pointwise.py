"""The shape of every operator that works element by element, on one operand or on several that broadcast."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, fields
from string import Template
from typing import Any, ClassVar

import numpy as np

from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.loop_nest import element, nest
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, lower_one, require
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.tensor import Array, TensorType


class Unary(Op):
    """y = f(x), element by element; a subclass gives f in NumPy and as a C expression in `v`.

    A subclass is a dataclass whose fields are f's parameters, named and preset as ONNX has them; the
    expression holds a parameter as `$name`.
    """

    __slots__ = ()
    in_place: ClassVar[bool] = True
    c_expression: ClassVar[str]

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """The operator of the same name and attributes."""
        return lower_one(cls(**{f.name: node.attribute(f.name, f.default) for f in _parameters(cls)}), node)

    @abstractmethod
    def function(self, x: Array) -> Array:
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
        values = {f.name: literal(getattr(self, f.name)) for f in _parameters(self)}
        return (
            f"for (size_t i = 0; i < {call.output_types[0].size}; i++) {{\n"
            f"    const float v = {call.inputs[0]}[i];\n"
            f"    {call.outputs[0]}[i] = {Template(self.c_expression).substitute(values)};\n"
            "}"
        )

    def to_onnx(self, call: OnnxCall) -> None:
        """The standard operator of the same name and attributes."""
        values = {f.name: getattr(self, f.name) for f in _parameters(self)}
        call.builder.add(self.kind, call.inputs, call.outputs[0], **values)


def _parameters(operator: Any) -> tuple[Any, ...]:
    """The fields of an operator that is a dataclass, as those of the set are."""
    return fields(operator)


@dataclass(frozen=True, slots=True)
class _Walk:
    """Where operand elements lie as the output is walked in order: extent and element strides per axis."""

    shape: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]


class Broadcast(Op):
    """y = f(a, b, …) with ONNX (NumPy) broadcasting; a subclass names its operands as its C does."""

    __slots__ = ()
    in_place: ClassVar[bool] = True
    in_place_of_any: ClassVar[bool] = True
    operands: ClassVar[tuple[str, ...]]
    c_expression: ClassVar[str]

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """The operator of the same name."""
        return lower_one(cls(), node)

    @abstractmethod
    def apply(self, operands: tuple[Array, ...]) -> Array:
        """The function f in NumPy float32, bit for bit as `c_expression`."""

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The broadcast type; operands that vary in time must do so on the same axis at the same rate."""
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
        require(not frames_vary, "a constant operand differs from frame to frame; use one per channel")
        return (TensorType(shape, len(shape) + axis, samples_per_frame),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Apply f."""
        return (self.apply(inputs),), ()

    def emit_c(self, call: CCall) -> str:
        """Nested loops over the axes that matter, with the operands' own strides."""
        walk = _walk(call.output_types[0].shape, tuple(type_.shape for type_ in call.input_types))
        *places, y = (element(strides) for strides in walk.strides)
        loads = (
            f"const float {operand} = {pointer}[{place}];"
            for operand, pointer, place in zip(self.operands, call.inputs, places, strict=True)
        )
        return nest(walk.shape, (*loads, f"{call.outputs[0]}[{y}] = {self.c_expression};"))

    def to_onnx(self, call: OnnxCall) -> None:
        """The standard operator of the same name."""
        call.builder.add(self.kind, call.inputs, call.outputs[0])


class Binary(Broadcast):
    """y = a ∘ b; a subclass gives ∘ in NumPy and as C in `a` and `b`."""

    __slots__ = ()
    operands: ClassVar[tuple[str, ...]] = ("a", "b")

    @classmethod
    def from_variadic(cls, node: OnnxNode) -> Lowered:
        """a ∘ b ∘ c … from the left; a single operand is the result."""
        if len(node.inputs) == 1:
            return Reshape.from_identity(node)
        steps = len(node.inputs) - 1
        results = (*(f"{node.outputs[0]}.{k}" for k in range(1, steps)), node.outputs[0])
        lefts = (node.inputs[0], *results[:-1])
        return tuple(
            (cls(), (left, right), (result,))
            for left, right, result in zip(lefts, node.inputs[1:], results, strict=True)
        )

    @staticmethod
    @abstractmethod
    def function(a: Array, b: Array) -> Array:
        """The operation in NumPy float32."""

    def apply(self, operands: tuple[Array, ...]) -> Array:
        """Apply the operation."""
        return self.function(*operands)


def _walk(shape: tuple[int, ...], operands: tuple[tuple[int, ...], ...]) -> _Walk:
    """Strides of the operands and the result, with neighbouring axes merged where all walk them alike."""
    strides = [broadcast_strides(operand, shape) for operand in (*operands, shape)]
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


def broadcast_strides(operand: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Element strides of an operand as its broadcast shape is walked: 0 where it repeats."""
    padded = (1,) * (len(shape) - len(operand)) + operand
    strides, step = [], 1
    for extent in reversed(padded):
        strides.append(0 if extent == 1 else step)
        step *= extent
    return tuple(reversed(strides))
