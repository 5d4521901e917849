"""DequantizeLinear: y = scale x, float32. Source: ONNX operator DequantizeLinear."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.integer_width import integer_width
from edgeeeg_export.ops.op import CCall, OnnxCall, Op
from edgeeeg_export.tensor import BYTES, Array, TensorType


@dataclass(frozen=True, slots=True)
class DequantizeLinear(Op):
    """Input x of any shape; `scale` is what one step of x is worth."""

    scale: float

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The shape of x, float32."""
        integer_width(inputs[0])
        return (replace(inputs[0], dtype="float32"),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Multiply."""
        return (quantmath.dequantize(inputs[0], np.float32(self.scale)),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_quantized.h."""
        (x,) = call.input_types
        operands = f"{call.inputs[0]}, {BYTES[x.dtype]}, {call.outputs[0]}"
        return f"edgeeeg_dequantize({operands}, {literal(self.scale)}, {x.size});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Cast, Mul."""
        values = call.builder.add("Cast", (call.inputs[0],), to=1)
        call.builder.add("Mul", (values, call.builder.constant(self.scale)), call.outputs[0])
