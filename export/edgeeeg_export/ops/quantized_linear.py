"""QuantizedLinear: y[..., n] = requantize(bias[n] + sum_k x[..., k] weight[k, n], multiplier[n]) in integers.

Source: ONNX operators QLinearMatMul (without a bias) and MatMulInteger.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.kernels.choice import choose, emit, scratch
from edgeeeg_export.kernels.kernel import Kernel
from edgeeeg_export.ops.dense_kernels import dense_kernels
from edgeeeg_export.ops.integer_width import integer_width
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.op import CCall, OnnxCall, require
from edgeeeg_export.ops.requantize_onnx import requantize_to_onnx, sum_to_onnx
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class QuantizedLinear(Linear):
    """Inputs x (..., k) of int8 or int16, weight (k, n) of int8, bias (n,) of int32 or none, multiplier (n,).

    `width` is the type of the result. No sum of a row may overflow, whatever x is.
    """

    width: quantmath.Width = field(default="int8", kw_only=True)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """As of floats."""
        integer_width(inputs[0])
        types = tuple(type_.dtype for type_ in inputs[1:])
        require(types in (("int8", "int32", "float32"), ("int8", "float32")), f"its constants are {types}")
        (y,) = Linear.infer(self, inputs[:2])
        return (replace(y, dtype=self.width),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Exact sums in int32."""
        x, weight, *bias, multiplier = inputs
        total = np.matmul(x.astype(np.int32), weight.astype(np.int32))
        for start in bias:
            total = total + start
        return (quantmath.requantize(total, multiplier, self.width),), ()

    def kernels(self, inputs: tuple[TensorType, ...]) -> tuple[Kernel, ...]:
        """Those of its shape."""
        k, n = inputs[1].shape
        return dense_kernels(inputs[0].size // k, k, n, (integer_width(inputs[0]), self.width))

    def scratch(self, inputs: tuple[TensorType, ...]) -> int:
        """What the kernels chosen work in."""
        return scratch(self.kernels(inputs))

    def emit_c(self, call: CCall) -> str:
        """The kernel chosen."""
        return emit(choose(self.kernels(call.input_types)), call)

    def to_onnx(self, call: OnnxCall) -> None:
        """MatMulInteger, Add, and a requantization in float32."""
        x, weight, *bias, multiplier = call.inputs
        add, width = call.builder.add, integer_width(call.input_types[0])
        total = sum_to_onnx(call.builder, x, width, lambda part: add("MatMulInteger", (part, weight)))
        for start in bias:
            total = add("Add", (total, start))
        requantize_to_onnx(call.builder, total, multiplier, call.outputs[0], self.width)
