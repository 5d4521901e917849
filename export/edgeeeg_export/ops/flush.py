"""`floatmath.flush` in standard operators: what recurrent filters do to memories that have decayed."""

from __future__ import annotations

from edgeeeg import floatmath
from edgeeeg_export.ops.op import OnnxBuilder


def flush_to_onnx(builder: OnnxBuilder, value: str, name: str | None = None) -> str:
    """Abs, LessOrEqual, Where: 0 in place of magnitudes of at most 2^-80, under a name if one is given."""
    small = builder.add("LessOrEqual", (builder.add("Abs", (value,)), builder.constant(floatmath.FLUSH)))
    return builder.add("Where", (small, builder.constant(0.0), value), name)
