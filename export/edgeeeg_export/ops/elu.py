"""Elu: y = x from 0 on, α (exp(x) - 1) below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg import floatmath
from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Elu(Unary):
    """y = x from 0 on, α (exp(x) - 1) below."""

    c_expression: ClassVar[str] = "edgeeeg_elu(v, $alpha)"
    alpha: float = 1.0

    def function(self, x: Array) -> Array:
        """x from 0 on, α (exp(x) - 1) below."""
        return np.where(x < 0, np.float32(self.alpha) * floatmath.expm1(x), x)
