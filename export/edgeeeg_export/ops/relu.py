"""Relu: y = max(x, 0)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Relu(Unary):
    """y = max(x, 0)."""

    c_expression: ClassVar[str] = "v > 0.0f ? v : 0.0f"

    @staticmethod
    def function(x: Array) -> Array:
        """max(x, 0)."""
        return np.where(x > 0, x, np.float32(0.0))
