"""Reciprocal: y = 1 / x."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Reciprocal(Unary):
    """y = 1 / x."""

    c_expression: ClassVar[str] = "1.0f / v"

    @staticmethod
    def function(x: Array) -> Array:
        """1 / x."""
        return np.float32(1.0) / x
