"""ReduceProd: y = Π x over some axes, in the tensor's own order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeeeg_export.ops.reduction import Reduction
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class ReduceProd(Reduction):
    """y = Π x."""

    start: ClassVar[float | None] = 1.0
    c_step: ClassVar[str] = "acc * v"

    def step(self, acc: Array, v: Array) -> Array:
        """Π x, one element more."""
        return acc * v
