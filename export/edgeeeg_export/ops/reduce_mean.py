"""ReduceMean: y = Σ x / n over some axes, in the tensor's own order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.reduction import Reduction
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class ReduceMean(Reduction):
    """y = Σ x / n."""

    c_step: ClassVar[str] = "acc + v"
    c_end: ClassVar[str] = "acc / $n"

    def step(self, acc: Array, v: Array) -> Array:
        """Σ x / n, one element more."""
        return acc + v

    def end(self, acc: Array, n: int) -> Array:
        """Σ x / n."""
        return acc / np.float32(n)
