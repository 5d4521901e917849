"""Gelu: y = x Φ(x), Φ the normal distribution, by erf or by its tanh approximation.

y = x/2 (1 + erf(x / √2));  approximate: y = x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg import floatmath
from edgeeeg_export.ops.op import Lowered, OnnxCall, OnnxNode, lower_one
from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array

F = np.float32


@dataclass(frozen=True, slots=True)
class Gelu(Unary):
    """y = x/2 (1 + erf(x / √2))."""

    c_expression: ClassVar[str] = "0.5f * v * (1.0f + edgeeeg_erf(v * 0.70710677f))"

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """The form that the attribute `approximate` names."""
        tanh = node.attribute("approximate", "none") == "tanh"
        return lower_one(GeluTanh() if tanh else cls(), node)

    @staticmethod
    def function(x: Array) -> Array:
        """x/2 (1 + erf(x / √2))."""
        return F(0.5) * x * (F(1.0) + floatmath.erf(x * F(0.70710677)))


@dataclass(frozen=True, slots=True)
class GeluTanh(Unary):
    """y = x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))."""

    c_expression: ClassVar[str] = (
        "0.5f * v * (1.0f + edgeeeg_tanh(0.7978846f * (v + 0.044715f * (v * v * v))))"
    )

    @staticmethod
    def function(x: Array) -> Array:
        """x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))."""
        return F(0.5) * x * (F(1.0) + floatmath.tanh(F(0.7978846) * (x + F(0.044715) * (x * x * x))))

    def to_onnx(self, call: OnnxCall) -> None:
        """Gelu."""
        call.builder.add("Gelu", call.inputs, call.outputs[0], approximate="tanh")
