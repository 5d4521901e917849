"""QuantizeLinear: y = saturate(round_half_even(x / scale)), int8 or int16.

Source: ONNX operator QuantizeLinear.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.op import CCall, OnnxCall, Op, require
from edgeeeg_export.ops.requantize_onnx import quantize_to_onnx
from edgeeeg_export.tensor import BYTES, Array, TensorType


@dataclass(frozen=True, slots=True)
class QuantizeLinear(Op):
    """Input x of any shape; `scale` is what one step of the result is worth."""

    in_place: ClassVar[bool] = True
    scale: float
    width: quantmath.Width = "int8"

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The shape of x, in integers."""
        require(inputs[0].dtype == "float32", f"it quantizes float32, not {inputs[0].dtype}")
        return (replace(inputs[0], dtype=self.width),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Divide, saturate, round."""
        return (quantmath.quantize(inputs[0], np.float32(self.scale), self.width),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_quantized.h."""
        sizes = f"{BYTES[self.width]}, {literal(self.scale)}, {call.input_types[0].size}"
        return f"edgeeeg_quantize({call.inputs[0]}, {call.outputs[0]}, {sizes});"

    def to_onnx(self, call: OnnxCall) -> None:
        """QuantizeLinear, or its parts."""
        x, scale = call.inputs[0], call.builder.constant(self.scale)
        quantize_to_onnx(call.builder, x, scale, self.width, call.outputs[0])
