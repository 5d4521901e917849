"""QuantizeLinear: y = saturate(round_half_even(x / scale)), int8. Source: ONNX operator QuantizeLinear."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.op import CCall, OnnxCall, Op, require
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class QuantizeLinear(Op):
    """Input x of any shape; `scale` is what one step of the result is worth."""

    scale: float

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The shape of x, int8."""
        require(inputs[0].dtype == "float32", f"it quantizes float32, not {inputs[0].dtype}")
        return (replace(inputs[0], dtype="int8"),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Divide, saturate, round."""
        return (quantmath.quantize(inputs[0], np.float32(self.scale)),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_quantized.h."""
        size = call.input_types[0].size
        return f"edgeeeg_quantize({call.inputs[0]}, {call.outputs[0]}, {literal(self.scale)}, {size});"

    def to_onnx(self, call: OnnxCall) -> None:
        """QuantizeLinear."""
        constant = call.builder.constant
        operands = (call.inputs[0], constant(self.scale), constant(0, "int8"))
        call.builder.add("QuantizeLinear", operands, call.outputs[0])
