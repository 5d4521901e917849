"""Tanh: y = tanh(x)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeeeg import floatmath
from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Tanh(Unary):
    """y = tanh(x)."""

    c_expression: ClassVar[str] = "edgeeeg_tanh(v)"

    @staticmethod
    def function(x: Array) -> Array:
        """tanh(x)."""
        return floatmath.tanh(x)
