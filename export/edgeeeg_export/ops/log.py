"""Log: y = log x."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeeeg import floatmath
from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Log(Unary):
    """y = log x."""

    c_expression: ClassVar[str] = "edgeeeg_log(v)"

    @staticmethod
    def function(x: Array) -> Array:
        """log x."""
        return floatmath.log(x)
