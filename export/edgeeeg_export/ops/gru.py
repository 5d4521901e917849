"""Gru: gated recurrent unit.

z, r = σ(W x + R h + b) each;  h = (1 - z) g + z h
g = tanh(W_g x + b_g + (R_g (r h) + s_g)), or with `linear_before_reset` tanh(W_g x + b_g + r (R_g h + s_g))

Gates in the order of ONNX: z, r, g. Source: Cho et al. 2014; `linear_before_reset` is the form of torch and
cuDNN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgeeeg_export import floatmath
from edgeeeg_export.ops.op import OnnxCall, OnnxNode
from edgeeeg_export.ops.recurrence import Memory, Recurrence, accumulate_step
from edgeeeg_export.tensor import Array

ONE = np.float32(1.0)


@dataclass(frozen=True, slots=True)
class Gru(Recurrence):
    """A `Recurrence` with the memory h; bias (directions, 4 hidden): z, r, b_g and s_g."""

    linear_before_reset: bool = False
    gates: ClassVar[int] = 3
    biases: ClassVar[int] = 4
    activations: ClassVar[tuple[str, ...]] = ("Sigmoid", "Tanh")
    kernel: ClassVar[str] = "edgeeeg_gru"

    @classmethod
    def attributes(cls, node: OnnxNode) -> dict[str, Any]:
        """Where the reset gate applies."""
        return {"linear_before_reset": bool(node.attribute("linear_before_reset", 0))}

    @classmethod
    def merge(cls, bias: Array, hidden: int) -> Array:
        """z and r add both biases; the candidate keeps them apart."""
        inputs, recurrent = np.split(bias, 2, axis=1)
        gates = inputs[:, : 2 * hidden] + recurrent[:, : 2 * hidden]
        return np.concatenate([gates, inputs[:, 2 * hidden :], recurrent[:, 2 * hidden :]], axis=1)

    def cell(self, drive: Array, memory: Memory, recurrent: Array, bias: Array) -> Memory:
        """h after one step."""
        (h,) = memory
        hidden = h.shape[1]
        split = 2 * hidden
        gates = floatmath.sigmoid(accumulate_step(drive[:, :split], h, recurrent[:split]))
        z, r = gates[:, :hidden], gates[:, hidden:]
        start = np.broadcast_to(bias[3 * hidden :], h.shape)
        if self.linear_before_reset:
            past = r * accumulate_step(start, h, recurrent[split:])
        else:
            past = accumulate_step(start, r * h, recurrent[split:])
        g = floatmath.tanh(drive[:, split:] + past)
        return ((ONE - z) * g + z * h,)

    def c_arguments(self) -> tuple[str, ...]:
        """Where the reset gate applies."""
        return (str(int(self.linear_before_reset)),)

    def cell_to_onnx(
        self, call: OnnxCall, x: str, memory: Sequence[str], weights: Sequence[str]
    ) -> tuple[str, ...]:
        """Gemm, Split, Sigmoid, Tanh, Mul, Add, Sub."""
        add, several = call.builder.add, call.builder.add_several
        (h,), (weight, recurrent, bias) = memory, weights
        hidden = call.input_types[2].shape[2]
        gates_and_candidate = call.builder.constant([2 * hidden, hidden], "int64")
        inputs, past_bias = several(
            "Split", (bias, call.builder.constant([3 * hidden, hidden], "int64")), 2, axis=0
        )
        drive, drive_g = several(
            "Split", (add("Gemm", (x, weight, inputs), transB=1), gates_and_candidate), 2, axis=1
        )
        recurrent_zr, recurrent_g = several("Split", (recurrent, gates_and_candidate), 2, axis=0)
        gates = add("Sigmoid", (add("Gemm", (h, recurrent_zr, drive), transB=1),))
        z, r = several("Split", (gates,), 2, axis=1, num_outputs=2)
        if self.linear_before_reset:
            past = add("Mul", (r, add("Gemm", (h, recurrent_g, past_bias), transB=1)))
        else:
            past = add("Gemm", (add("Mul", (r, h)), recurrent_g, past_bias), transB=1)
        g = add("Tanh", (add("Add", (drive_g, past)),))
        fresh = add("Mul", (add("Sub", (call.builder.constant(1.0), z)), g))
        return (add("Add", (fresh, add("Mul", (z, h)))),)
