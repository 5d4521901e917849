"""QuantizedConv: y = requantize(bias[o] + sum of weight x, multiplier[o]) in integers; padding is 0.

Source: ONNX operators QLinearConv and ConvInteger.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.kernels.choice import choose, emit, scratch
from edgeeeg_export.kernels.kernel import Kernel
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.conv_kernels import conv_kernels
from edgeeeg_export.ops.integer_width import integer_width
from edgeeeg_export.ops.op import CCall, OnnxCall, require
from edgeeeg_export.ops.requantize_onnx import requantize_to_onnx, sum_to_onnx
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class QuantizedConv(Conv):
    """Inputs x of int8 or int16, weight of int8, bias (c_out,) of int32 or none, multiplier (c_out,).

    `width` is the type of the result. No sum of a channel may overflow, whatever x is.
    """

    width: quantmath.Width = field(default="int8", kw_only=True)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """As of floats."""
        integer_width(inputs[0])
        types = tuple(type_.dtype for type_ in inputs[1:])
        require(types in (("int8", "int32", "float32"), ("int8", "float32")), f"its constants are {types}")
        (y,) = Conv.infer(self, inputs[:-1])
        return (replace(y, dtype=self.width),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Exact sums in int32."""
        x, weight, *bias, multiplier = inputs
        total = self.accumulate(x.astype(np.int32), weight.astype(np.int32), bias[0] if bias else None)
        return (quantmath.requantize(total, _channels(multiplier, total.ndim), self.width),), ()

    def shrinks_in_place(self, inputs: tuple[TensorType, ...]) -> bool:
        """Its kernel writes while it reads."""
        return False

    def kernels(self, inputs: tuple[TensorType, ...]) -> tuple[Kernel, ...]:
        """Those of its shape."""
        x, weight = inputs[0], inputs[1].shape
        widths = (integer_width(x), self.width)
        return conv_kernels(self.window(weight), x.shape, weight, self.groups, widths)

    def scratch(self, inputs: tuple[TensorType, ...]) -> int:
        """What the kernels chosen work in."""
        return scratch(self.kernels(inputs))

    def emit_c(self, call: CCall) -> str:
        """The kernel chosen."""
        return emit(choose(self.kernels(call.input_types)), call)

    def to_onnx(self, call: OnnxCall) -> None:
        """ConvInteger, Add, and a requantization in float32."""
        add, constant = call.builder.add, call.builder.constant
        x, weight, *bias, multiplier = call.inputs
        window = self.window(call.input_types[1].shape)

        def product(operand: str) -> str:
            kept, pads = window.to_onnx(replace(call, inputs=(operand,)))
            return add(
                "ConvInteger",
                (kept, weight),
                strides=list(self.strides),
                dilations=list(self.dilations),
                pads=list(pads),
                group=self.groups,
            )

        total = sum_to_onnx(call.builder, x, integer_width(call.input_types[0]), product)
        shape = constant([1, -1, *(1,) * len(self.strides)], "int64")
        for start in bias:
            total = add("Add", (total, add("Reshape", (start, shape))))
        each = add("Reshape", (multiplier, shape))
        requantize_to_onnx(call.builder, total, each, call.outputs[0], self.width)


def _channels(value: Array, rank: int) -> Array:
    """One value per channel, to broadcast over (batch, channels, …)."""
    return value.reshape(-1, *(1,) * (rank - 2))
