"""Softplus: y = log(1 + exp(x)), as max(x, 0) + log1p(exp(-|x|))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeeeg import floatmath
from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Softplus(Unary):
    """y = log(1 + exp(x)), as max(x, 0) + log1p(exp(-|x|))."""

    c_expression: ClassVar[str] = "edgeeeg_softplus(v)"

    @staticmethod
    def function(x: Array) -> Array:
        """log(1 + exp(x)), as max(x, 0) + log1p(exp(-|x|))."""
        return floatmath.softplus(x)
