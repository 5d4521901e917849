"""Sign: y = 1 above 0, -1 below, else 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Sign(Unary):
    """y = 1 above 0, -1 below, else 0."""

    c_expression: ClassVar[str] = "v > 0.0f ? 1.0f : v < 0.0f ? -1.0f : 0.0f"

    @staticmethod
    def function(x: Array) -> Array:
        """1 above 0, -1 below, else 0."""
        return np.where(x > 0, np.float32(1.0), np.where(x < 0, np.float32(-1.0), np.float32(0.0)))
