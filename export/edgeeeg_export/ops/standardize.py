"""Standardize: y = (x - mean) / √(variance + ε) over the last axes; layer, instance and group norm share it.

mean = Σ x / n;  variance = Σ (x - mean)² / n;  1 / √(…) is one factor per row, sums in the tensor's own order
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeeeg_export.ops.axis import needs_window
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.op import CCall, OnnxCall, Op
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Standardize(Op):
    """Over the axes from `axis` on; with `moments`, the mean and 1 / √(variance + ε) are outputs as well."""

    axis: int
    epsilon: float = 1e-5
    moments: bool = False

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of the input; moments have extent one where they were taken."""
        (x,) = inputs
        if not self.moments:
            return inputs
        shape = (*x.shape[: self.axis], *(1 for _ in x.shape[self.axis :]))
        varies = x.time_axis is not None and x.time_axis < self.axis
        moment = TensorType(shape, x.time_axis, x.samples_per_frame) if varies else TensorType(shape)
        return (x, moment, moment)

    def obstacle(self, inputs: tuple[TensorType, ...]) -> str | None:
        """Moments of the whole recording."""
        axes = tuple(range(self.axis, len(inputs[0].shape)))
        return needs_window(
            inputs[0],
            axes,
            "normalize over channels (LayerNorm behind a transposition), or use BatchNorm1d or RunningZScore",
        )

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Sum over each row in order, twice."""
        x = inputs[0]
        rows = x.reshape(*x.shape[: self.axis], -1)
        n = np.float32(rows.shape[-1])
        total: Array = np.zeros(rows.shape[:-1], dtype=np.float32)
        for k in range(rows.shape[-1]):
            total = total + rows[..., k]
        mean: Array = total / n
        apart = rows - mean[..., None]
        squares: Array = np.zeros_like(mean)
        for k in range(rows.shape[-1]):
            squares = squares + apart[..., k] * apart[..., k]
        factor: Array = np.float32(1.0) / np.sqrt(squares / n + np.float32(self.epsilon))
        y: Array = (apart * factor[..., None]).reshape(x.shape)
        if not self.moments:
            return (y,), ()
        shape = (*x.shape[: self.axis], *(1 for _ in x.shape[self.axis :]))
        return (y, mean.reshape(shape), factor.reshape(shape)), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_axis.h."""
        shape = call.input_types[0].shape
        n = int(np.prod(shape[self.axis :], dtype=np.int64))
        moments = call.outputs[1:] if self.moments else ("0", "0")
        pointers = ", ".join((call.inputs[0], call.outputs[0], *moments))
        rows = call.input_types[0].size // n
        return f"edgeeeg_standardize({pointers}, {rows}, {n}, {literal(self.epsilon)});"

    def to_onnx(self, call: OnnxCall) -> None:
        """ReduceMean, Sub, Mul, ReduceMean, Add, Sqrt, Reciprocal, Mul."""
        add, rank = call.builder.add, len(call.input_types[0].shape)
        axes = call.builder.constant(list(range(self.axis, rank)), "int64")
        names = call.outputs[1:] if self.moments else (None, None)
        mean = add("ReduceMean", (call.inputs[0], axes), names[0], keepdims=1)
        apart = add("Sub", (call.inputs[0], mean))
        variance = add("ReduceMean", (add("Mul", (apart, apart)), axes), keepdims=1)
        root = add("Sqrt", (add("Add", (variance, call.builder.constant(self.epsilon))),))
        add("Mul", (apart, add("Reciprocal", (root,), names[1])), call.outputs[0])
