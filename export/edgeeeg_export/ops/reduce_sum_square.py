"""ReduceSumSquare: y = Σ x² over some axes, in the tensor's own order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeeeg_export.ops.reduction import Reduction
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class ReduceSumSquare(Reduction):
    """y = Σ x²."""

    c_step: ClassVar[str] = "acc + v * v"

    def step(self, acc: Array, v: Array) -> Array:
        """Σ x², one element more."""
        total: Array = acc + v * v
        return total
