"""`quantmath.requantize` in standard operators."""

from __future__ import annotations

from edgeeeg_export.ops.op import OnnxBuilder


def requantize_to_onnx(builder: OnnxBuilder, total: str, multiplier: str, name: str) -> None:
    """Cast, Mul, and QuantizeLinear in steps of 1: int8 of int32 sums."""
    scaled = builder.add("Mul", (builder.add("Cast", (total,), to=1), multiplier))
    builder.add("QuantizeLinear", (scaled, builder.constant(1.0), builder.constant(0, "int8")), name)
