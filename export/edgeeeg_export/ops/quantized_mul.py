"""QuantizedMul: y = saturate(round_half_even(multiplier left right)), broadcast.

The product is rounded to float32 first; of int8 it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.integer_width import integer_width, rounded_in_c
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import OnnxCall
from edgeeeg_export.ops.requantize_onnx import INT32, requantize_to_onnx
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class QuantizedMul(Mul):
    """Inputs left and right, int8 or int16; `multiplier` is their scales' product over y's."""

    multiplier: float
    width: quantmath.Width = field(default="int8", kw_only=True)

    @property
    def c_expression(self) -> str:  # type: ignore[override]
        """A product, one multiplication, one rounding."""
        return rounded_in_c(f"a * b * {literal(self.multiplier)}", self.width)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """As of floats."""
        for type_ in inputs:
            integer_width(type_)
        (y,) = Mul.infer(self, inputs)
        return (replace(y, dtype=self.width),)

    def apply(self, operands: tuple[Array, ...]) -> Array:
        """A product, one multiplication, one rounding."""
        left, right = (value.astype(np.int32) for value in operands)
        return quantmath.requantize(left * right, np.float32(self.multiplier), self.width)

    def to_onnx(self, call: OnnxCall) -> None:
        """Cast, Mul, and a requantization in float32."""
        add, constant = call.builder.add, call.builder.constant
        total = add("Mul", [add("Cast", (name,), to=INT32) for name in call.inputs])
        multiplier = constant(self.multiplier)
        requantize_to_onnx(call.builder, total, multiplier, call.outputs[0], self.width)
