"""ReduceL2: y = √Σ x² over some axes, in the tensor's own order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.reduction import Reduction
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class ReduceL2(Reduction):
    """y = √Σ x²."""

    c_step: ClassVar[str] = "acc + v * v"
    c_end: ClassVar[str] = "__builtin_sqrtf(acc)"

    def step(self, acc: Array, v: Array) -> Array:
        """√Σ x², one element more."""
        total: Array = acc + v * v
        return total

    def end(self, acc: Array, n: int) -> Array:
        """√Σ x²."""
        return np.sqrt(acc)
