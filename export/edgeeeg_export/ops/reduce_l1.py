"""ReduceL1: y = Σ |x| over some axes, in the tensor's own order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.reduction import Reduction
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class ReduceL1(Reduction):
    """y = Σ |x|."""

    c_step: ClassVar[str] = "acc + (v < 0.0f ? -v : v)"

    def step(self, acc: Array, v: Array) -> Array:
        """Σ |x|, one element more."""
        return acc + np.where(v < 0, -v, v)
