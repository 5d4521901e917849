"""Mish: y = x tanh(softplus(x))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeeeg import floatmath
from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Mish(Unary):
    """y = x tanh(softplus(x))."""

    c_expression: ClassVar[str] = "v * edgeeeg_tanh(edgeeeg_softplus(v))"

    @staticmethod
    def function(x: Array) -> Array:
        """x tanh(softplus(x))."""
        return x * floatmath.tanh(floatmath.softplus(x))
