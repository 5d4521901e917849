"""Softsign: y = x / (1 + |x|)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Softsign(Unary):
    """y = x / (1 + |x|)."""

    c_expression: ClassVar[str] = "v / (1.0f + (v < 0.0f ? -v : v))"

    @staticmethod
    def function(x: Array) -> Array:
        """x / (1 + |x|)."""
        magnitude: Array = np.where(x < 0, -x, x)
        return x / (np.float32(1.0) + magnitude)
