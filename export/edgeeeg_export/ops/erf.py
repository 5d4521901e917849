"""Erf: y = erf x, the integral of 2/√π exp(-t²) from 0 to x."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeeeg import floatmath
from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Erf(Unary):
    """y = erf x, the integral of 2/√π exp(-t²) from 0 to x."""

    c_expression: ClassVar[str] = "edgeeeg_erf(v)"

    @staticmethod
    def function(x: Array) -> Array:
        """erf x, the integral of 2/√π exp(-t²) from 0 to x."""
        return floatmath.erf(x)
