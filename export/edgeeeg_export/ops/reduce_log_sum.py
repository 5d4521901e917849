"""ReduceLogSum: y = log Σ x over some axes, in the tensor's own order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeeeg import floatmath
from edgeeeg_export.ops.reduction import Reduction
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class ReduceLogSum(Reduction):
    """y = log Σ x."""

    c_step: ClassVar[str] = "acc + v"
    c_end: ClassVar[str] = "edgeeeg_log(acc)"

    def step(self, acc: Array, v: Array) -> Array:
        """log Σ x, one element more."""
        return acc + v

    def end(self, acc: Array, n: int) -> Array:
        """log Σ x."""
        return floatmath.log(acc)
