"""Shrink: y = x + bias below -λ, x - bias above λ, else 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Shrink(Unary):
    """y = x + bias below -λ, x - bias above λ, else 0."""

    c_expression: ClassVar[str] = "v < -($lambd) ? v + $bias : v > $lambd ? v - $bias : 0.0f"
    lambd: float = 0.5
    bias: float = 0.0

    def function(self, x: Array) -> Array:
        """x + bias below -λ, x - bias above λ, else 0."""
        return np.where(
            x < -np.float32(self.lambd),
            x + np.float32(self.bias),
            np.where(x > np.float32(self.lambd), x - np.float32(self.bias), np.float32(0.0)),
        )
