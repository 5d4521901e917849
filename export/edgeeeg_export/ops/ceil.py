"""Ceil: y = ⌈x⌉."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeeeg import floatmath
from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Ceil(Unary):
    """y = ⌈x⌉."""

    c_expression: ClassVar[str] = "edgeeeg_ceil(v)"

    @staticmethod
    def function(x: Array) -> Array:
        """⌈x⌉."""
        return floatmath.ceil(x)
