"""Swish: y = x sigmoid(α x)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export import floatmath
from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Swish(Unary):
    """y = x sigmoid(α x)."""

    c_expression: ClassVar[str] = "v * edgeeeg_sigmoid($alpha * v)"
    alpha: float = 1.0

    def function(self, x: Array) -> Array:
        """x sigmoid(α x)."""
        return x * floatmath.sigmoid(np.float32(self.alpha) * x)
