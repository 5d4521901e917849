"""Lstm: long short-term memory, without peepholes.

i, o, f = σ(W x + R h + b) each;  g = tanh(W_g x + R_g h + b_g);  c = f c + i g;  h = o tanh(c)

Gates in the order of ONNX: i, o, f, g. Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers,
Schmidhuber and Cummins 2000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg import floatmath
from edgeeeg_export.ops.op import Lowered, OnnxCall, OnnxNode
from edgeeeg_export.ops.recurrence import Memory, Parameters, Recurrence
from edgeeeg_export.ops.recurrence_from_onnx import recurrence_from_onnx
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Lstm(Recurrence):
    """A `Recurrence` with the memories h and c; bias (directions, 4 hidden)."""

    gates: ClassVar[int] = 4
    biases: ClassVar[int] = 4
    memories: ClassVar[tuple[str, ...]] = ("h", "c")
    activations: ClassVar[tuple[str, ...]] = ("Sigmoid", "Tanh", "Tanh")
    kernel: ClassVar[str] = "edgeeeg_lstm"

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """LSTM, GRU or RNN with constant weights, initial state and standard activations."""
        return recurrence_from_onnx(cls, node)

    def cell(self, drive: Array, memory: Memory, parameters: Parameters) -> Memory:
        """h and c after one step."""
        h, c = memory
        total, split = self.past(drive, h, parameters), 3 * h.shape[1]
        i, o, f = np.split(floatmath.sigmoid(total[:, :split]), 3, axis=1)
        c = f * c + i * floatmath.tanh(total[:, split:])
        return o * floatmath.tanh(c), c

    def cell_to_onnx(
        self, call: OnnxCall, x: str, memory: Sequence[str], weights: Sequence[str]
    ) -> tuple[str, ...]:
        """Sums, Split, Sigmoid, Tanh, Mul, Add."""
        add, (h, c) = call.builder.add, memory
        total = self.past_to_onnx(call, self.drive_to_onnx(call, x, weights[2], weights), h, weights)
        i, o, f, g = call.builder.add_several("Split", (total,), 4, axis=1, num_outputs=4)
        kept = add("Mul", (add("Sigmoid", (f,)), c))
        c = add("Add", (kept, add("Mul", (add("Sigmoid", (i,)), add("Tanh", (g,))))))
        return add("Mul", (add("Sigmoid", (o,)), add("Tanh", (c,)))), c
