"""QuantizedMean: y = requantize(Σ x) over some axes; the sum is exact, the multiplier has 1 / n."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.integer_width import integer_width, rounded_in_c
from edgeeeg_export.ops.op import CCall, OnnxCall
from edgeeeg_export.ops.reduce_mean import ReduceMean
from edgeeeg_export.ops.requantize_onnx import INT32, requantize_to_onnx
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class QuantizedMean(ReduceMean):
    """Input x, int8 or int16; `multiplier` is its scale over that of y, divided by the elements of a mean."""

    multiplier: float = field(kw_only=True)
    width: quantmath.Width = field(kw_only=True)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """As of floats."""
        integer_width(inputs[0])
        (y,) = ReduceMean.infer(self, inputs)
        return (replace(y, dtype=self.width),)

    def fold(self, rows: Array) -> Array:
        """An exact sum, one multiplication, one rounding."""
        total = rows.sum(axis=-1, dtype=np.int32)
        return quantmath.requantize(total, np.float32(self.multiplier), self.width)

    def c_fold(self, call: CCall, kept: list[int], n: int) -> tuple[str, ...]:
        """The same in C."""
        mean = rounded_in_c(f"(float)sum * {literal(self.multiplier)}", self.width)
        return (
            "int32_t sum = 0;",
            *self.c_loop(call, kept, "sum += (int32_t)v;"),
            f"{call.outputs[0]}[o++] = {mean};",
        )

    def to_onnx(self, call: OnnxCall) -> None:
        """Cast, ReduceSum, and a requantization in float32."""
        add, constant = call.builder.add, call.builder.constant
        axes = constant(list(self.axes), "int64")
        whole = add("Cast", (call.inputs[0],), to=INT32)
        total = add("ReduceSum", (whole, axes), keepdims=int(self.keepdims))
        requantize_to_onnx(call.builder, total, constant(self.multiplier), call.outputs[0], self.width)
