"""Clip: y = x, but at least `min` and at most `max`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.op import Lowered, OnnxCall, OnnxNode, lower_one
from edgeeeg_export.ops.pointwise import Unary
from edgeeeg_export.tensor import Array

HIGHEST = float(np.finfo(np.float32).max)
LOWEST = -HIGHEST


@dataclass(frozen=True, slots=True)
class Clip(Unary):
    """y = x, but at least `min` and at most `max`."""

    c_expression: ClassVar[str] = "(v < $min ? $min : v) > $max ? $max : (v < $min ? $min : v)"
    min: float = LOWEST
    max: float = HIGHEST

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """Clip with constant bounds, or without."""
        low, high = node.constant(1), node.constant(2)
        op = cls(LOWEST if low is None else float(low), HIGHEST if high is None else float(high))
        return lower_one(op, node, node.inputs[:1])

    def function(self, x: Array) -> Array:
        """x, but at least `min` and at most `max`."""
        low, high = np.float32(self.min), np.float32(self.max)
        above = np.where(x < low, low, x)
        return np.where(above > high, high, above)

    def to_onnx(self, call: OnnxCall) -> None:
        """Clip."""
        bounds = (call.builder.constant(self.min), call.builder.constant(self.max))
        call.builder.add("Clip", (*call.inputs, *bounds), call.outputs[0])
