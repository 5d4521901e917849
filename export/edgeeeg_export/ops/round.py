"""Round: y = the nearest whole number, the even one of two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeeeg import floatmath
from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Round(Unary):
    """y = the nearest whole number, the even one of two."""

    c_expression: ClassVar[str] = "edgeeeg_round_half_even(v)"

    @staticmethod
    def function(x: Array) -> Array:
        """the nearest whole number, the even one of two."""
        return floatmath.round_half_even(x)
