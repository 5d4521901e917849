"""ReduceLogSumExp: y = m + log Σ exp(x - m) with m = max x, so that no exponential overflows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg import floatmath
from edgeeeg_export.ops.op import CCall
from edgeeeg_export.ops.reduction import Reduction
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class ReduceLogSumExp(Reduction):
    """y = log Σ exp(x), shifted by the maximum."""

    start: ClassVar[float | None] = None
    c_step: ClassVar[str] = "v > acc ? v : acc"

    def step(self, acc: Array, v: Array) -> Array:
        """The maximum so far."""
        return np.where(v > acc, v, acc)

    def fold(self, rows: Array) -> Array:
        """The maximum, then the sum of what is left of each exponential."""
        top = super(ReduceLogSumExp, self).fold(rows)
        total = np.zeros_like(top)
        for k in range(rows.shape[-1]):
            total = total + floatmath.exp(rows[..., k] - top)
        return top + floatmath.log(total)

    def c_fold(self, call: CCall, kept: list[int], n: int) -> tuple[str, ...]:
        """As `fold`."""
        start = f"{call.inputs[0]}[{self.c_place(call, kept, folded=False)}]"
        return (
            f"float acc = {start};",
            *self.c_loop(call, kept, f"acc = {self.c_step};"),
            "float total = 0.0f;",
            *self.c_loop(call, kept, "total += edgeeeg_exp(v - acc);"),
            f"{call.outputs[0]}[o++] = acc + edgeeeg_log(total);",
        )
