"""QuantizedAdd: y = saturate(round_half_even(a left + b right)), in that order of operations."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.integer_width import integer_width
from edgeeeg_export.ops.op import CCall, OnnxCall, require
from edgeeeg_export.ops.requantize_onnx import quantize_to_onnx
from edgeeeg_export.tensor import BYTES, Array, TensorType


@dataclass(frozen=True, slots=True)
class QuantizedAdd(Add):
    """Inputs left and right of one shape, int8 or int16; a and b are their scales over that of y."""

    a: float
    b: float
    width: quantmath.Width = field(default="int8", kw_only=True)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The shape of both."""
        left, right = inputs
        require(replace(left, dtype=right.dtype) == right, f"its operands are {left} and {right}")
        for type_ in inputs:
            integer_width(type_)
        return (replace(left, dtype=self.width),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Two multiplications, one addition, one rounding."""
        left, right = (value.astype(np.float32) for value in inputs)
        total = left * np.float32(self.a) + right * np.float32(self.b)
        return (quantmath.saturate(total, self.width),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_quantized.h."""
        widths = (BYTES[type_.dtype] for type_ in (*call.input_types, *call.output_types))
        pairs = zip((*call.inputs, *call.outputs), widths, strict=True)
        operands = ", ".join(f"{name}, {width}" for name, width in pairs)
        factors = f"{literal(self.a)}, {literal(self.b)}"
        return f"edgeeeg_add_quantized({operands}, {factors}, {call.output_types[0].size});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Cast, Mul, Add, and a rounding in steps of 1."""
        add, constant = call.builder.add, call.builder.constant
        pairs = zip(call.inputs, (self.a, self.b), strict=True)
        parts = [add("Mul", (add("Cast", (name,), to=1), constant(factor))) for name, factor in pairs]
        total = add("Add", parts)
        quantize_to_onnx(call.builder, total, constant(1.0), self.width, call.outputs[0])
