"""Sigmoid: y = 1 / (1 + exp(-x))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeeeg import floatmath
from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Sigmoid(Unary):
    """y = 1 / (1 + exp(-x))."""

    c_expression: ClassVar[str] = "edgeeeg_sigmoid(v)"

    @staticmethod
    def function(x: Array) -> Array:
        """1 / (1 + exp(-x))."""
        return floatmath.sigmoid(x)
