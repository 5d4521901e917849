"""Mul: y = a * b, broadcast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeeeg_export.ops.pointwise import Binary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Mul(Binary):
    """y = a * b, broadcast as in NumPy."""

    c_expression: ClassVar[str] = "a * b"

    @staticmethod
    def function(a: Array, b: Array) -> Array:
        """a * b."""
        return a * b
