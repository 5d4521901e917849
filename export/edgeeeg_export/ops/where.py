"""Where: y = a where the condition holds, else b; a condition is any number but 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.op import OnnxCall
from edgeeeg_export.ops.pointwise import Broadcast
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Where(Broadcast):
    """y = a where condition ≠ 0, else b, broadcast."""

    operands: ClassVar[tuple[str, ...]] = ("condition", "a", "b")
    c_expression: ClassVar[str] = "condition != 0.0f ? a : b"

    def apply(self, operands: tuple[Array, ...]) -> Array:
        """a where condition ≠ 0, else b."""
        condition, a, b = operands
        return np.where(condition != 0, a, b)

    def to_onnx(self, call: OnnxCall) -> None:
        """Cast and Where."""
        condition = call.builder.add("Cast", call.inputs[:1], to=9)  # bool
        call.builder.add("Where", (condition, *call.inputs[1:]), call.outputs[0])
