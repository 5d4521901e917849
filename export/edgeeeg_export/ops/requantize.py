"""Requantize: y = saturate(round_half_even(multiplier x)): the same values in other steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.integer_width import integer_width
from edgeeeg_export.ops.op import CCall, OnnxCall, Op
from edgeeeg_export.ops.requantize_onnx import requantize_to_onnx
from edgeeeg_export.tensor import BYTES, Array, TensorType


@dataclass(frozen=True, slots=True)
class Requantize(Op):
    """Input x of any shape, int8 or int16; `multiplier` is its scale over that of y, of type `width`."""

    in_place: ClassVar[bool] = True
    multiplier: float
    width: quantmath.Width

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The shape of x."""
        integer_width(inputs[0])
        return (replace(inputs[0], dtype=self.width),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Multiply, saturate, round."""
        return (quantmath.requantize(inputs[0], np.float32(self.multiplier), self.width),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_quantized.h."""
        (x,) = call.input_types
        operands = f"{call.inputs[0]}, {BYTES[x.dtype]}, {call.outputs[0]}, {BYTES[self.width]}"
        return f"edgeeeg_requantize({operands}, {literal(self.multiplier)}, {x.size});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Cast, Mul, and a rounding in steps of 1."""
        multiplier = call.builder.constant(self.multiplier)
        requantize_to_onnx(call.builder, call.inputs[0], multiplier, call.outputs[0], self.width)
