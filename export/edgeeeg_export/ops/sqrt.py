"""Sqrt: y = √x, rounded correctly; NaN below 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Sqrt(Unary):
    """y = √x, rounded correctly; NaN below 0."""

    c_expression: ClassVar[str] = "__builtin_sqrtf(v)"

    @staticmethod
    def function(x: Array) -> Array:
        """√x, rounded correctly; NaN below 0."""
        return np.sqrt(x)
