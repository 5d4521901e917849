"""Abs: y = |x|."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Abs(Unary):
    """y = |x|."""

    c_expression: ClassVar[str] = "v < 0.0f ? -v : v"

    @staticmethod
    def function(x: Array) -> Array:
        """|x|."""
        return np.where(x < 0, -x, x)
