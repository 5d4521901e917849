"""Exp: y = e**x."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeeeg import floatmath
from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Exp(Unary):
    """y = e**x."""

    c_expression: ClassVar[str] = "edgeeeg_exp(v)"

    @staticmethod
    def function(x: Array) -> Array:
        """e**x."""
        return floatmath.exp(x)
