"""SelectiveScan: the diagonal selective state-space recurrence of Mamba.

h[t] = exp(Δ[t] A) h[t-1] + (Δ[t] u[t]) B[t];  y[t] = sum_n h[t, :, n] C[t, n] + D u[t]

summed in the order of n. Source: Gu and Dao 2023, "Mamba", equation 2 with the discretization of its
reference scan (`selective_scan_ref`); Δ has passed its softplus, A is negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export import floatmath
from edgeeeg_export.ops.cell import Cell
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, lower_one, require
from edgeeeg_export.tensor import Array, State, TensorType


@dataclass(frozen=True, slots=True)
class SelectiveScan(Cell):
    """Inputs u and Δ (1, frames, d), A (d, n), B and C (1, frames, n), D (d,); output (1, frames, d)."""

    window_axes: ClassVar[tuple[int | None, ...]] = (1, 1, None, 1, 1, None)
    operands: ClassVar[tuple[str, ...]] = ("u", "delta", "A", "B", "C", "D")

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """The custom node `edgeeeg::SelectiveScan`."""
        return lower_one(cls(), node)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of u."""
        u, delta, a, b, c, d = inputs
        require(
            len(u.shape) == 3 and u.shape[0] == 1 and u.time_axis == 1,
            f"it expects (1, time, features), not {u.shape}",
        )
        require(
            delta == u and b == c and b.shape == (1, u.frames, a.shape[1]),
            "u, Δ, B and C disagree in time or width",
        )
        require(a.shape[0] == u.shape[2] and d.shape == u.shape[2:], "A or D does not match the width of u")
        return (u,)

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """The hidden state h (d, n)."""
        return (State("h", inputs[2].shape),)

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """Four per state and frame: Δ A, decay, input, readout; and D."""
        u, a = inputs[0], inputs[2]
        return u.frames * (4 * a.size + 2 * u.shape[2])

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Step through the frames; decays and inputs of all frames are computed at once."""
        u, delta, a, b, c, d = inputs
        decay = floatmath.exp(delta[0, :, :, None] * a)
        drive = (delta[0] * u[0])[:, :, None] * b[0, :, None, :]
        h = states[0]
        hidden = np.empty_like(drive)
        for t in range(u.shape[1]):
            h = decay[t] * h + drive[t]
            hidden[t] = h
        y = np.zeros_like(u)
        for n in range(a.shape[1]):
            y[0] += hidden[:, :, n] * c[0, :, n, None]
        return (y + d * u,), (h,)

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_kernels.h."""
        d, n = call.input_types[2].shape
        arguments = ", ".join((*call.inputs, call.states[0], call.outputs[0]))
        return f"edgeeeg_selective_scan({arguments}, {call.input_types[0].frames}, {d}, {n});"

    def step_to_onnx(self, call: OnnxCall) -> None:
        """Mul, Exp, Add, ReduceSum."""
        add, constant = call.builder.add, call.builder.constant
        u, delta, a, b, c, d = call.inputs
        row, column = constant([0], "int64"), constant([1], "int64")
        decay = add("Exp", (add("Mul", (add("Unsqueeze", (delta, column)), a)),))
        amount = add("Unsqueeze", (add("Mul", (delta, u)), column))
        drive = add("Mul", (amount, add("Unsqueeze", (b, row))))
        h = add("Add", (add("Mul", (decay, call.states[0])), drive), call.next_states[0])
        seen = add("Mul", (h, add("Unsqueeze", (c, row))))
        total = add("ReduceSum", (seen, column), keepdims=0)
        add("Add", (total, add("Mul", (d, u))), call.outputs[0])
