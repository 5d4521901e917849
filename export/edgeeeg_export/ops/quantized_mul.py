"""QuantizedMul: y = saturate(round_half_even(multiplier left right)), int8; the product is exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import CCall, OnnxCall, require
from edgeeeg_export.ops.requantize_onnx import requantize_to_onnx
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class QuantizedMul(Mul):
    """Inputs left and right of one shape, int8; `multiplier` is the product of their scales over y's."""

    in_place: ClassVar[bool] = True
    multiplier: float

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of both."""
        left, right = inputs
        require(left == right and left.dtype == "int8", f"its operands are {left} and {right}")
        return (left,)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """A product in int32, one multiplication, one rounding."""
        left, right = (value.astype(np.int32) for value in inputs)
        return (quantmath.requantize(left * right, np.float32(self.multiplier)),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_quantized.h."""
        operands = ", ".join((*call.inputs, call.outputs[0], literal(self.multiplier)))
        return f"edgeeeg_mul_int8({operands}, {call.output_types[0].size});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Cast, Mul, and a requantization in float32."""
        add, constant = call.builder.add, call.builder.constant
        total = add("Mul", [add("Cast", (name,), to=6) for name in call.inputs])
        requantize_to_onnx(call.builder, total, constant(self.multiplier), call.outputs[0])
