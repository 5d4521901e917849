"""LeakyRelu: y = x from 0 on, α x below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class LeakyRelu(Unary):
    """y = x from 0 on, α x below."""

    c_expression: ClassVar[str] = "v < 0.0f ? $alpha * v : v"
    alpha: float = 0.01

    def function(self, x: Array) -> Array:
        """x from 0 on, α x below."""
        return np.where(x < 0, np.float32(self.alpha) * x, x)
