"""Max: y = the greater of a and b; b where they do not compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.pointwise import Binary
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Max(Binary):
    """y = the greater of a and b; b where they do not compare."""

    c_expression: ClassVar[str] = "a > b ? a : b"

    @staticmethod
    def function(a: Array, b: Array) -> Array:
        """y = the greater of a and b; b where they do not compare."""
        return np.where(a > b, a, b)
