"""DequantizeLinear: y = scale x, float32. Source: ONNX operator DequantizeLinear."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.op import CCall, OnnxCall, Op, require
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class DequantizeLinear(Op):
    """Input x of any shape; `scale` is what one step of x is worth."""

    scale: float

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The shape of x, float32."""
        require(inputs[0].dtype == "int8", f"it takes int8, not {inputs[0].dtype}")
        return (replace(inputs[0], dtype="float32"),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Multiply."""
        return (quantmath.dequantize(inputs[0], np.float32(self.scale)),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_quantized.h."""
        size = call.input_types[0].size
        return f"edgeeeg_dequantize({call.inputs[0]}, {call.outputs[0]}, {literal(self.scale)}, {size});"

    def to_onnx(self, call: OnnxCall) -> None:
        """DequantizeLinear."""
        constant = call.builder.constant
        operands = (call.inputs[0], constant(self.scale), constant(0, "int8"))
        call.builder.add("DequantizeLinear", operands, call.outputs[0])
