"""QuantizedAffine: y = saturate(round_half_even(m x + a)), with m and a of float32 that broadcast.

The integer form of gains and offsets per channel, such as those of a batch norm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.integer_width import integer_width, rounded_in_c
from edgeeeg_export.ops.op import OnnxCall, require
from edgeeeg_export.ops.pointwise import Broadcast
from edgeeeg_export.ops.requantize_onnx import FLOAT, quantize_to_onnx
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class QuantizedAffine(Broadcast):
    """Inputs x, int8 or int16, m and a, which do not widen it; the scales are in m and a."""

    operands: ClassVar[tuple[str, ...]] = ("x", "m", "a")
    width: quantmath.Width

    @property
    def c_expression(self) -> str:  # type: ignore[override]
        """One multiplication, one addition, one rounding."""
        return rounded_in_c("x * m + a", self.width)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The shape of x."""
        integer_width(inputs[0])
        (y,) = Broadcast.infer(self, inputs)
        require(y.shape == inputs[0].shape, f"{inputs[0].shape} is widened to {y.shape}")
        return (replace(y, dtype=self.width),)

    def apply(self, operands: tuple[Array, ...]) -> Array:
        """One multiplication, one addition, one rounding."""
        x, m, a = operands
        return quantmath.saturate(x.astype(np.float32) * m + a, self.width)

    def to_onnx(self, call: OnnxCall) -> None:
        """Cast, Mul, Add, and a rounding in steps of 1."""
        add, (x, m, a) = call.builder.add, call.inputs
        total = add("Add", (add("Mul", (add("Cast", (x,), to=FLOAT), m)), a))
        quantize_to_onnx(call.builder, total, call.builder.constant(1.0), self.width, call.outputs[0])
