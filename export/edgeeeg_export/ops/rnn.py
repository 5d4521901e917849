"""Rnn: the plain recurrent layer, h = tanh(W x + R h + b). Source: Elman 1990."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from edgeeeg import floatmath
from edgeeeg_export.ops.op import Lowered, OnnxCall, OnnxNode
from edgeeeg_export.ops.recurrence import Memory, Parameters, Recurrence
from edgeeeg_export.ops.recurrence_from_onnx import recurrence_from_onnx
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Rnn(Recurrence):
    """A `Recurrence` with the memory h; bias (directions, hidden)."""

    gates: ClassVar[int] = 1
    biases: ClassVar[int] = 1
    activations: ClassVar[tuple[str, ...]] = ("Tanh",)
    kernel: ClassVar[str] = "edgeeeg_rnn"

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """LSTM, GRU or RNN with constant weights, initial state and standard activations."""
        return recurrence_from_onnx(cls, node)

    def cell(self, drive: Array, memory: Memory, parameters: Parameters) -> Memory:
        """h after one step."""
        return (floatmath.tanh(self.past(drive, memory[0], parameters)),)

    def cell_to_onnx(
        self, call: OnnxCall, x: str, memory: Sequence[str], weights: Sequence[str]
    ) -> tuple[str, ...]:
        """Sums and Tanh."""
        drive = self.drive_to_onnx(call, x, weights[2], weights)
        return (call.builder.add("Tanh", (self.past_to_onnx(call, drive, memory[0], weights),)),)
