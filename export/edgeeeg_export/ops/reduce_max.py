"""ReduceMax: y = max x over some axes, in the tensor's own order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.reduction import Reduction
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class ReduceMax(Reduction):
    """y = max x."""

    start: ClassVar[float | None] = None
    c_step: ClassVar[str] = "v > acc ? v : acc"

    def step(self, acc: Array, v: Array) -> Array:
        """max x, one element more."""
        return np.where(v > acc, v, acc)
