"""QuantizedLinear: y[..., n] = requantize(bias[n] + sum_k x[..., k] weight[k, n], multiplier[n]) in integers.

Source: ONNX operators QLinearMatMul (without a bias) and MatMulInteger.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.op import CCall, OnnxCall, require
from edgeeeg_export.ops.requantize_onnx import requantize_to_onnx
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class QuantizedLinear(Linear):
    """Inputs x (..., k) and weight (k, n) of int8, bias (n,) of int32, multiplier (n,); output int8."""

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """As of floats."""
        types = tuple(type_.dtype for type_ in inputs)
        require(types == ("int8", "int8", "int32", "float32"), f"its operands are {types}")
        (y,) = Linear.infer(self, inputs[:2])
        return (replace(y, dtype="int8"),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Exact sums in int32."""
        x, weight, bias, multiplier = inputs
        total = np.matmul(x.astype(np.int32), weight.astype(np.int32)) + bias
        return (quantmath.requantize(total, multiplier),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_quantized.h."""
        k, n = call.input_types[1].shape
        operands = ", ".join((*call.inputs, call.outputs[0]))
        return f"edgeeeg_linear_int8({operands}, {call.input_types[0].size // k}, {k}, {n});"

    def to_onnx(self, call: OnnxCall) -> None:
        """MatMulInteger, Add, and a requantization in float32."""
        x, weight, bias, multiplier = call.inputs
        total = call.builder.add("Add", (call.builder.add("MatMulInteger", (x, weight)), bias))
        requantize_to_onnx(call.builder, total, multiplier, call.outputs[0])
