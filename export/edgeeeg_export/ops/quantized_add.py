"""QuantizedAdd: y = saturate(round_half_even(a left + b right)), broadcast, in that order of operations."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.integer_width import integer_width, rounded_in_c
from edgeeeg_export.ops.op import OnnxCall
from edgeeeg_export.ops.requantize_onnx import FLOAT, quantize_to_onnx
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class QuantizedAdd(Add):
    """Inputs left and right, int8 or int16; a and b are their scales over that of y."""

    a: float
    b: float
    width: quantmath.Width = field(default="int8", kw_only=True)

    @property
    def c_expression(self) -> str:  # type: ignore[override]
        """Two multiplications, one addition, one rounding."""
        return rounded_in_c(f"a * {literal(self.a)} + b * {literal(self.b)}", self.width)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """As of floats."""
        for type_ in inputs:
            integer_width(type_)
        (y,) = Add.infer(self, inputs)
        return (replace(y, dtype=self.width),)

    def apply(self, operands: tuple[Array, ...]) -> Array:
        """Two multiplications, one addition, one rounding."""
        left, right = (value.astype(np.float32) for value in operands)
        return quantmath.saturate(left * np.float32(self.a) + right * np.float32(self.b), self.width)

    def to_onnx(self, call: OnnxCall) -> None:
        """Cast, Mul, Add, and a rounding in steps of 1."""
        add, constant = call.builder.add, call.builder.constant
        pairs = zip(call.inputs, (self.a, self.b), strict=True)
        parts = [add("Mul", (add("Cast", (name,), to=FLOAT), constant(factor))) for name, factor in pairs]
        quantize_to_onnx(call.builder, add("Add", parts), constant(1.0), self.width, call.outputs[0])
