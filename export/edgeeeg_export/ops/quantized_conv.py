"""QuantizedConv: y = requantize(bias[o] + sum of weight x, multiplier[o]) in integers; padding is 0.

Source: ONNX operators QLinearConv and ConvInteger.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.op import CCall, OnnxCall, require
from edgeeeg_export.ops.requantize_onnx import requantize_to_onnx
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class QuantizedConv(Conv):
    """Inputs x and weight of int8, bias (c_out,) of int32, multiplier (c_out,); output int8."""

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """As of floats."""
        types = tuple(type_.dtype for type_ in inputs)
        require(types == ("int8", "int8", "int32", "float32"), f"its operands are {types}")
        (y,) = Conv.infer(self, inputs[:3])
        return (replace(y, dtype="int8"),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Exact sums in int32."""
        x, weight, bias, multiplier = inputs
        total = self.accumulate(x.astype(np.int32), weight.astype(np.int32), bias)
        return (quantmath.requantize(total, _channels(multiplier, total.ndim)),), ()

    def shrinks_in_place(self, inputs: tuple[TensorType, ...]) -> bool:
        """Its kernel writes while it reads."""
        return False

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_quantized.h."""
        x, weight = call.input_types[0].shape, call.input_types[1].shape
        definition = self.window(weight).c_definition(call)
        operands = ", ".join((*call.inputs, call.outputs[0]))
        sizes = f"{x[0]}, {x[1]}, {weight[0]}, {self.groups}"
        return f"{definition}\nedgeeeg_conv_int8({operands}, &window, {sizes});"

    def to_onnx(self, call: OnnxCall) -> None:
        """ConvInteger, Add, and a requantization in float32."""
        add, constant = call.builder.add, call.builder.constant
        _, weight, bias, multiplier = call.inputs
        kept, pads = self.window(call.input_types[1].shape).to_onnx(call)
        total = add(
            "ConvInteger",
            (kept, weight),
            strides=list(self.strides),
            dilations=list(self.dilations),
            pads=list(pads),
            group=self.groups,
        )
        shape = constant([1, -1, *(1,) * len(self.strides)], "int64")
        per_channel = [add("Reshape", (name, shape)) for name in (bias, multiplier)]
        requantize_to_onnx(call.builder, add("Add", (total, per_channel[0])), per_channel[1], call.outputs[0])


def _channels(value: Array, rank: int) -> Array:
    """One value per channel, to broadcast over (batch, channels, …)."""
    return value.reshape(-1, *(1,) * (rank - 2))
