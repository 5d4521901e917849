"""QuantizedStandardize: y = saturate((n x - Σ x) · m / √(n Σ x² - (Σ x)² + e)); see `Standardize`.

n x - Σ x is n times what lies between x and its mean, n Σ x² - (Σ x)² is n² times the variance: both exact.
The scale of x cancels but for ε, which becomes e = ε n² / scale². One square root and one division a row.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.fixed_point_onnx import Int64
from edgeeeg_export.ops.integer_width import integer_width, rounded_in_c
from edgeeeg_export.ops.op import CCall, OnnxCall, require
from edgeeeg_export.ops.requantize_onnx import quantize_to_onnx
from edgeeeg_export.ops.standardize import Standardize
from edgeeeg_export.tensor import Array, TensorType

LONGEST_ROW = 1 << 15
"""Elements: n x - Σ x of int16 fits an int32."""


@dataclass(frozen=True, slots=True)
class QuantizedStandardize(Standardize):
    """Input x, int8 or int16; `epsilon` is e, and `multiplier` 1 over what a step of y is worth."""

    multiplier: float = field(kw_only=True)
    width: quantmath.Width = field(kw_only=True)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The shape of x."""
        (x,) = inputs
        integer_width(x)
        n = _row(x, self.axis)
        require(
            n < LONGEST_ROW, f"its rows are {n} long, and sums of {LONGEST_ROW} overflow; keep it in float32"
        )
        require(not self.moments, "its moments are not in integers; keep it in float32")
        return (replace(x, dtype=self.width),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Exact sums, one factor a row."""
        (x,) = inputs
        rows = x.reshape(*x.shape[: self.axis], -1).astype(np.int64)
        n, total = rows.shape[-1], rows.sum(axis=-1, keepdims=True)
        spread = n * (rows * rows).sum(axis=-1, keepdims=True) - total * total
        root = np.sqrt(spread.astype(np.float32) + np.float32(self.epsilon))
        factor = np.float32(self.multiplier) / root
        y = quantmath.saturate((n * rows - total).astype(np.float32) * factor, self.width)
        return (y.reshape(x.shape),), ()

    def emit_c(self, call: CCall) -> str:
        """Two loops over each row."""
        x, y = call.inputs[0], call.outputs[0]
        n = _row(call.input_types[0], self.axis)
        value = f"(float)({n} * (int32_t){x}[r * {n} + k] - sum) * factor"
        return f"""for (size_t r = 0; r < {call.input_types[0].size // n}; r++) {{
    int32_t sum = 0;
    int64_t squares = 0;
    for (size_t k = 0; k < {n}; k++) {{
        const int32_t value = {x}[r * {n} + k];
        sum += value;
        squares += value * value;
    }}
    const float spread = (float)({n} * squares - (int64_t)sum * sum);
    const float factor = {literal(self.multiplier)} / __builtin_sqrtf(spread + {literal(self.epsilon)});
    for (size_t k = 0; k < {n}; k++) {{
        {y}[r * {n} + k] = {rounded_in_c(value, self.width)};
    }}
}}"""

    def to_onnx(self, call: OnnxCall) -> None:
        """ReduceSum, Mul and Sub on int64, then Add, Sqrt, Div, Mul and a rounding in float32."""
        make, add, constant = Int64(call.builder), call.builder.add, call.builder.constant
        axes = constant(list(range(self.axis, len(call.input_types[0].shape))), "int64")
        x, n = make.of(call.inputs[0]), _row(call.input_types[0], self.axis)
        total = add("ReduceSum", (x, axes), keepdims=1)
        squares = add("ReduceSum", (make.op("Mul", x, x), axes), keepdims=1)
        spread = make.op("Sub", make.op("Mul", squares, n), make.op("Mul", total, total))
        root = add("Sqrt", (add("Add", (make.as_float(spread), constant(self.epsilon))),))
        factor = add("Div", (constant(self.multiplier), root))
        value = make.scaled(make.op("Sub", make.op("Mul", x, n), total), factor)
        quantize_to_onnx(call.builder, value, constant(1.0), self.width, call.outputs[0])


def _row(x: TensorType, axis: int) -> int:
    """Elements that one mean is of."""
    return int(np.prod(x.shape[axis:], dtype=np.int64))
