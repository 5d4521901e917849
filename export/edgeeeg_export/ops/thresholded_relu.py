"""ThresholdedRelu: y = x above α, else 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class ThresholdedRelu(Unary):
    """y = x above α, else 0."""

    c_expression: ClassVar[str] = "v > $alpha ? v : 0.0f"
    alpha: float = 1.0

    def function(self, x: Array) -> Array:
        """x above α, else 0."""
        return np.where(x > np.float32(self.alpha), x, np.float32(0.0))
