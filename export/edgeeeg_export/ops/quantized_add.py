"""QuantizedAdd: y = saturate(round_half_even(a left + b right)), int8, in that order of operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.op import CCall, OnnxCall, require
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class QuantizedAdd(Add):
    """Inputs left and right of one shape, int8; a and b are their scales in units of the result's."""

    in_place: ClassVar[bool] = True
    a: float
    b: float

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of both."""
        left, right = inputs
        require(left == right and left.dtype == "int8", f"its operands are {left} and {right}")
        return (left,)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Two multiplications, one addition, one rounding."""
        left, right = (value.astype(np.float32) for value in inputs)
        return (quantmath.saturate(left * np.float32(self.a) + right * np.float32(self.b)),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_quantized.h."""
        operands = ", ".join((*call.inputs, call.outputs[0], literal(self.a), literal(self.b)))
        return f"edgeeeg_add_int8({operands}, {call.output_types[0].size});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Cast, Mul, Add, and QuantizeLinear in steps of 1."""
        add, constant = call.builder.add, call.builder.constant
        pairs = zip(call.inputs, (self.a, self.b), strict=True)
        parts = [add("Mul", (add("Cast", (name,), to=1), constant(factor))) for name, factor in pairs]
        total = add("Add", parts)
        add("QuantizeLinear", (total, constant(1.0), constant(0, "int8")), call.outputs[0])
