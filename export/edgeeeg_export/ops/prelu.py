"""PRelu: y = x from 0 on, slope x below; a is x, b the slope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.pointwise import Binary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class PRelu(Binary):
    """y = x from 0 on, slope x below; a is x, b the slope."""

    c_expression: ClassVar[str] = "a < 0.0f ? b * a : a"

    @staticmethod
    def function(a: Array, b: Array) -> Array:
        """y = x from 0 on, slope x below; a is x, b the slope."""
        return np.where(a < 0, b * a, a)
