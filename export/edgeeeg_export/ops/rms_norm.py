"""RMSNormalization: y = x / √(Σ x² / n + ε) · scale over the last axes, summed in the tensor's own order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeeeg_export.ops.axis import needs_window
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class RmsNormalize(Op):
    """y = x / √(mean of x² + ε) over the axes from `axis` on."""

    axis: int
    epsilon: float = 1e-5

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """The root mean square, and Mul by the scale."""
        op = cls(node.attribute("axis", -1) % len(node.type(0).shape), node.attribute("epsilon", 1e-5))
        normal = f"{node.outputs[0]}.normal"
        return (
            (op, node.inputs[:1], (normal,)),
            (Mul(), (normal, node.inputs[1]), node.outputs),
        )

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of the input."""
        return inputs

    def obstacle(self, inputs: tuple[TensorType, ...]) -> str | None:
        """The mean of the whole recording."""
        axes = tuple(range(self.axis, len(inputs[0].shape)))
        return needs_window(inputs[0], axes, "normalize over channels, behind a transposition")

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Sum over each row in order."""
        x = inputs[0]
        rows = x.reshape(*x.shape[: self.axis], -1)
        squares = np.zeros(rows.shape[:-1], dtype=np.float32)
        for k in range(rows.shape[-1]):
            squares = squares + rows[..., k] * rows[..., k]
        factor = np.float32(1.0) / np.sqrt(squares / np.float32(rows.shape[-1]) + np.float32(self.epsilon))
        return ((rows * factor[..., None]).reshape(x.shape),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_axis.h."""
        n = int(np.prod(call.input_types[0].shape[self.axis :], dtype=np.int64))
        sizes = f"{call.input_types[0].size // n}, {n}, {literal(self.epsilon)}"
        return f"edgeeeg_rms_normalize({call.inputs[0]}, {call.outputs[0]}, {sizes});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Mul, ReduceMean, Add, Sqrt, Reciprocal, Mul."""
        add, x = call.builder.add, call.inputs[0]
        axes = call.builder.constant(list(range(self.axis, len(call.input_types[0].shape))), "int64")
        mean = add("ReduceMean", (add("Mul", (x, x)), axes), keepdims=1)
        root = add("Sqrt", (add("Add", (mean, call.builder.constant(self.epsilon))),))
        add("Mul", (x, add("Reciprocal", (root,))), call.outputs[0])
