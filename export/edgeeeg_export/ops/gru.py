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

from edgeeeg import floatmath
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode
from edgeeeg_export.ops.recurrence import Memory, Parameters, Recurrence
from edgeeeg_export.ops.recurrence_from_onnx import recurrence_from_onnx
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
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """LSTM, GRU or RNN with constant weights, initial state and standard activations."""
        return recurrence_from_onnx(cls, node)

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

    def cell(self, drive: Array, memory: Memory, parameters: Parameters) -> Memory:
        """h after one step."""
        (h,) = memory
        hidden = h.shape[1]
        split = 2 * hidden
        gates = floatmath.sigmoid(self.past(drive[:, :split], h, parameters, slice(split)))
        z, r = gates[:, :hidden], gates[:, hidden:]
        start = np.broadcast_to(parameters[2][3 * hidden :], h.shape)
        if self.linear_before_reset:
            past = r * self.past(start, h, parameters, slice(split, None))
        else:
            past = self.past(start, r * h, parameters, slice(split, None))
        g = floatmath.tanh(drive[:, split:] + past)
        return ((ONE - z) * g + z * h,)

    def c_arguments(self, call: CCall) -> tuple[str, ...]:
        """Where the reset gate applies."""
        return (str(int(self.linear_before_reset)),)

    def cell_to_onnx(
        self, call: OnnxCall, x: str, memory: Sequence[str], weights: Sequence[str]
    ) -> tuple[str, ...]:
        """Sums, Split, Sigmoid, Tanh, Mul, Add, Sub."""
        add, several = call.builder.add, call.builder.add_several
        (h,), bias = memory, weights[2]
        hidden = call.input_types[2].shape[2]
        gates_and_candidate = call.builder.constant([2 * hidden, hidden], "int64")
        inputs, past_bias = several(
            "Split", (bias, call.builder.constant([3 * hidden, hidden], "int64")), 2, axis=0
        )
        drive, drive_g = several(
            "Split", (self.drive_to_onnx(call, x, inputs, weights), gates_and_candidate), 2, axis=1
        )
        first, last = slice(2 * hidden), slice(2 * hidden, None)
        gates = add("Sigmoid", (self.past_to_onnx(call, drive, h, weights, first),))
        z, r = several("Split", (gates,), 2, axis=1, num_outputs=2)
        if self.linear_before_reset:
            past = add("Mul", (r, self.past_to_onnx(call, past_bias, h, weights, last)))
        else:
            past = self.past_to_onnx(call, past_bias, add("Mul", (r, h)), weights, last)
        g = add("Tanh", (add("Add", (drive_g, past)),))
        fresh = add("Mul", (add("Sub", (call.builder.constant(1.0), z)), g))
        return (add("Add", (fresh, add("Mul", (z, h)))),)
