"""Rounding of integers in standard operators; int16 as ONNX Runtime's kernels of int8 can take it."""

from __future__ import annotations

from collections.abc import Callable

from edgeeeg_export import quantmath
from edgeeeg_export.ops.op import OnnxBuilder
from edgeeeg_export.tensor import DType

FLOAT, INT8, INT16, INT32 = 1, 3, 5, 6
"""Element types of the operator Cast."""


def as_float_if_int16(
    builder: OnnxBuilder,
    x: str,
    dtype: DType,
    make: Callable[[str, str | None], str],
    name: str | None = None,
) -> str:
    """An operator that moves or picks elements, around which int16 is the float32 that it is exactly.

    ONNX Runtime has many of them for float32 and int8 alone.
    """
    if dtype != "int16":
        return make(x, name)
    return builder.add("Cast", (make(builder.add("Cast", (x,), to=FLOAT), None),), name, to=INT16)


def quantize_to_onnx(
    builder: OnnxBuilder, value: str, scale: str, width: quantmath.Width, name: str | None = None
) -> str:
    """Integers of float32: QuantizeLinear, which saturates int16 elsewhere, or Div, Clip, Round and Cast."""
    if width == "int8":
        return builder.add("QuantizeLinear", (value, scale, builder.constant(0, "int8")), name)
    low, high = (builder.constant(float(bound[width])) for bound in (quantmath.LOW, quantmath.HIGH))
    kept = builder.add("Clip", (builder.add("Div", (value, scale)), low, high))
    return builder.add("Cast", (builder.add("Round", (kept,)),), name, to=INT16)


def requantize_to_onnx(
    builder: OnnxBuilder, total: str, multiplier: str, name: str, width: quantmath.Width = "int8"
) -> None:
    """Cast, Mul, and a rounding in steps of 1: integers of int32 sums."""
    scaled = builder.add("Mul", (builder.add("Cast", (total,), to=FLOAT), multiplier))
    quantize_to_onnx(builder, scaled, builder.constant(1.0), width, name)


def sum_to_onnx(builder: OnnxBuilder, x: str, width: quantmath.Width, product: Callable[[str], str]) -> str:
    """int32 sums of products of x; of int16, those of its high bytes times 256 and those of its low bytes.

    Parameters
    ----------
    product : adds the node that makes sums of an int8 operand, and returns its name.
    """
    if width == "int8":
        return product(x)
    add, constant = builder.add, builder.constant
    whole = add("Cast", (x,), to=INT32)
    half, base = constant(128, "int32"), constant(256, "int32")
    low = add("Sub", (add("Mod", (add("Add", (whole, half)), base)), half))
    high = add("Div", (add("Sub", (whole, low)), base))
    parts = [product(add("Cast", (part,), to=INT8)) for part in (high, low)]
    return add("Add", (add("Mul", (parts[0], base)), parts[1]))
