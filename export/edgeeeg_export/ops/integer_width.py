"""Which integers an operand is made of, and how C makes them."""

from __future__ import annotations

from edgeeeg_export import quantmath
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.op import require
from edgeeeg_export.tensor import C_TYPE, TensorType


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


def rounded_in_c(value: str, width: quantmath.Width) -> str:
    """The integer next to a float32 expression, in C."""
    low, high = (literal(float(bound[width])) for bound in (quantmath.LOW, quantmath.HIGH))
    return f"({C_TYPE[width]})edgeeeg_saturate({value}, {low}, {high})"
