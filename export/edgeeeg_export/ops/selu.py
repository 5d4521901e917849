"""Selu: y = γ x from 0 on, γ α (exp(x) - 1) below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg import floatmath
from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Selu(Unary):
    """y = γ x from 0 on, γ α (exp(x) - 1) below."""

    c_expression: ClassVar[str] = "$gamma * (v < 0.0f ? $alpha * edgeeeg_expm1(v) : v)"
    alpha: float = 1.6732632
    gamma: float = 1.050701

    def function(self, x: Array) -> Array:
        """γ x from 0 on, γ α (exp(x) - 1) below."""
        return np.float32(self.gamma) * np.where(x < 0, np.float32(self.alpha) * floatmath.expm1(x), x)
