"""Softmax and LogSoftmax along one axis, shifted by the maximum so that no exponential overflows.

y = exp(x - m) / s,  log y = (x - m) - log(s);  m = max x, s = sum exp(x - m) in the order of the axis
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeeeg import floatmath
from edgeeeg_export.ops.axis import AxisWalk, needs_window
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, lower_one
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Softmax(Op):
    """Probabilities along `axis`."""

    axis: int

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """Softmax or LogSoftmax; the axis is the last unless named."""
        return lower_one(cls(node.attribute("axis", -1) % len(node.type(0).shape)), node)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of the input."""
        return inputs

    def obstacle(self, inputs: tuple[TensorType, ...]) -> str | None:
        """Probabilities over time."""
        return needs_window(inputs[0], (self.axis,), "take it over channels or classes")

    def shifted(self, x: Array) -> tuple[Array, Array, Array]:
        """x - m, its exponentials and their sum."""
        top = np.take(x, [0], self.axis)
        for k in range(1, x.shape[self.axis]):
            value = np.take(x, [k], self.axis)
            top = np.where(value > top, value, top)
        shifted = x - top
        powers = floatmath.exp(shifted)
        total = np.zeros_like(top)
        for k in range(x.shape[self.axis]):
            total = total + np.take(powers, [k], self.axis)
        return shifted, powers, total

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Divide by the sum."""
        _, powers, total = self.shifted(inputs[0])
        return (powers / total,), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_axis.h."""
        walk = AxisWalk.along(call.input_types[0].shape, self.axis)
        return f"edgeeeg_softmax({call.inputs[0]}, {call.outputs[0]}, {walk.arguments});"

    def to_onnx(self, call: OnnxCall) -> None:
        """The standard operator of the same name."""
        call.builder.add(self.kind, call.inputs, call.outputs[0], axis=self.axis)


@dataclass(frozen=True, slots=True)
class LogSoftmax(Softmax):
    """Logarithms of probabilities along `axis`."""

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Subtract the logarithm of the sum."""
        shifted, _, total = self.shifted(inputs[0])
        return (shifted - floatmath.log(total),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_axis.h."""
        walk = AxisWalk.along(call.input_types[0].shape, self.axis)
        return f"edgeeeg_log_softmax({call.inputs[0]}, {call.outputs[0]}, {walk.arguments});"
