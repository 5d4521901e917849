"""QuantizedMul: y = saturate(round_half_even(multiplier left right)); the product is exact."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.integer_width import integer_width
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import CCall, OnnxCall, require
from edgeeeg_export.ops.requantize_onnx import requantize_to_onnx
from edgeeeg_export.tensor import BYTES, Array, TensorType


@dataclass(frozen=True, slots=True)
class QuantizedMul(Mul):
    """Inputs left and right of one shape, int8 or int16; `multiplier` is their scales' product over y's."""

    multiplier: float
    width: quantmath.Width = field(default="int8", kw_only=True)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The shape of both."""
        left, right = inputs
        require(replace(left, dtype=right.dtype) == right, f"its operands are {left} and {right}")
        for type_ in inputs:
            integer_width(type_)
        return (replace(left, dtype=self.width),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """A product in int32, one multiplication, one rounding."""
        left, right = (value.astype(np.int32) for value in inputs)
        return (quantmath.requantize(left * right, np.float32(self.multiplier), self.width),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_quantized.h."""
        widths = (BYTES[type_.dtype] for type_ in (*call.input_types, *call.output_types))
        pairs = zip((*call.inputs, *call.outputs), widths, strict=True)
        operands = ", ".join(f"{name}, {width}" for name, width in pairs)
        return f"edgeeeg_mul_quantized({operands}, {literal(self.multiplier)}, {call.output_types[0].size});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Cast, Mul, and a requantization in float32."""
        add, constant = call.builder.add, call.builder.constant
        total = add("Mul", [add("Cast", (name,), to=6) for name in call.inputs])
        multiplier = constant(self.multiplier)
        requantize_to_onnx(call.builder, total, multiplier, call.outputs[0], self.width)
