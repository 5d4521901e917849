"""HardSigmoid: y = α x + β, between 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class HardSigmoid(Unary):
    """y = α x + β, between 0 and 1."""

    c_expression: ClassVar[str] = (
        "$alpha * v + $beta > 1.0f ? 1.0f : $alpha * v + $beta > 0.0f ? $alpha * v + $beta : 0.0f"
    )
    alpha: float = 0.2
    beta: float = 0.5

    def function(self, x: Array) -> Array:
        """α x + β, between 0 and 1."""
        line = np.float32(self.alpha) * x + np.float32(self.beta)
        positive = np.where(line > 0, line, np.float32(0.0))
        return np.where(line > 1, np.float32(1.0), positive)
