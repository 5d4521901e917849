"""Which integers an operand is made of."""

from __future__ import annotations

from edgeeeg_export import quantmath
from edgeeeg_export.ops.op import require
from edgeeeg_export.tensor import TensorType


def integer_width(type_: TensorType) -> quantmath.Width:
    """int8 or int16.

    Raises
    ------
    GraphError
        If it is neither.
    """
    if type_.dtype == "int16":
        return "int16"
    require(type_.dtype == "int8", f"an operand is {type_.dtype}; it takes int8 or int16")
    return "int8"
