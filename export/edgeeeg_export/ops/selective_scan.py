"""SelectiveScan: the diagonal selective state-space recurrence of Mamba.

h[t] = exp(Δ[t] A) h[t-1] + (Δ[t] u[t]) B[t];  y[t] = sum_n h[t, :, n] C[t, n] + D u[t]

summed in the order of n. Elements of h that have decayed to 2^-80 become 0. Δ has passed its softplus, A is
negative. Source: Gu and Dao 2023, "Mamba", equation 2 with the discretization of its reference scan
(`selective_scan_ref`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg import floatmath
from edgeeeg_export.ops.cell import Cell
from edgeeeg_export.ops.flush import flush_to_onnx
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, lower_one, require
from edgeeeg_export.ops.sequences import frame_blocks, require_sequences
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
        require_sequences({"u": u, "delta": delta, "B": b, "C": c})
        width = u.shape[2]
        require(
            len(a.shape) == 2 and a.shape[0] == width,
            f"its A is {a.shape}; u of {width} features needs ({width}, states)",
        )
        require(
            delta.shape == u.shape, f"its delta is {delta.shape} and u {u.shape}; give both {width} features"
        )
        for name, x in (("B", b), ("C", c)):
            require(
                x.shape[2] == a.shape[1],
                f"its {name} has {x.shape[2]} features; A {a.shape} needs {a.shape[1]}, one for each state",
            )
        require(d.shape == (width,), f"its D is {d.shape}; u of {width} features needs ({width},)")
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
        """Step through the frames; what does not feed back is computed for those of a block at once."""
        u, delta, a, b, c, d = inputs
        (h,) = states
        y = np.zeros_like(u)
        for block in frame_blocks(u.shape[1], a.size):
            now = slice(block.start, block.stop)
            decay = floatmath.exp(delta[0, now, :, None] * a)
            hidden = (delta[0, now] * u[0, now])[:, :, None] * b[0, now, None, :]
            for t in range(len(block)):
                h = hidden[t] = floatmath.flush(decay[t] * h + hidden[t])
            total = y[0, now]
            for n in range(a.shape[1]):
                total += hidden[:, :, n] * c[0, now, n, None]
        return (y + d * u,), (h,)

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_state_space.h."""
        d, n = call.input_types[2].shape
        arguments = ", ".join((*call.inputs, call.states[0], call.outputs[0]))
        return f"edgeeeg_selective_scan({arguments}, {call.input_types[0].frames}, {d}, {n});"

    def step_to_onnx(self, call: OnnxCall) -> None:
        """Mul, Exp, Add, ReduceSum, and Where for small memories."""
        add, constant = call.builder.add, call.builder.constant
        u, delta, a, b, c, d = call.inputs
        row, column = constant([0], "int64"), constant([1], "int64")
        decay = add("Exp", (add("Mul", (add("Unsqueeze", (delta, column)), a)),))
        amount = add("Unsqueeze", (add("Mul", (delta, u)), column))
        drive = add("Mul", (amount, add("Unsqueeze", (b, row))))
        h = add("Add", (add("Mul", (decay, call.states[0])), drive))
        h = flush_to_onnx(call.builder, h, call.next_states[0])
        seen = add("Mul", (h, add("Unsqueeze", (c, row))))
        total = add("ReduceSum", (seen, column), keepdims=0)
        add("Add", (total, add("Mul", (d, u))), call.outputs[0])
