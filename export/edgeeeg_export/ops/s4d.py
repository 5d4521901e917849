"""S4d: the diagonal state space of S4D, with complex states.

h[t] = λ h[t-1] + u[t];  y[t] = sum_n (C_re[n] Re h[t, n] - C_im[n] Im h[t, n]) + D u[t]

summed in the order of n. λ = exp(Δ A), and C holds B̄, Δ and the 2 of a conjugate pair: all are constant, so
the layer folds them. Parts of h that have decayed to 2^-80 become 0. Source: Gu, Goel, Gupta and Ré 2022, "On
the parameterization and initialization of diagonal state space models", section 3.
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
class S4d(Cell):
    """Inputs u (1, frames, d), parts of λ and of C (d, n) each, D (d,); output (1, frames, d)."""

    window_axes: ClassVar[tuple[int | None, ...]] = (1, None, None, None, None, None)
    operands: ClassVar[tuple[str, ...]] = ("u", "lambda_re", "lambda_im", "C_re", "C_im", "D")

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """The custom node `edgeeeg::S4d`."""
        return lower_one(cls(), node)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of u."""
        u, lambda_re, *_, d = inputs
        require_sequences({"u": u})
        width = u.shape[2]
        for name, x in zip(self.operands[1:5], inputs[1:5], strict=True):
            require(
                len(x.shape) == 2 and x.shape[0] == width and x.shape == lambda_re.shape,
                f"its {name} is {x.shape}; lambda and C need ({width}, states), as u has {width} features",
            )
        require(d.shape == (width,), f"its D is {d.shape}; u of {width} features needs ({width},)")
        return (u,)

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """The parts of h, (d, n) each."""
        return (State("h_re", inputs[1].shape), State("h_im", inputs[1].shape))

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """Six per state and frame: four of a complex product, two of the readout; and D."""
        return inputs[0].frames * (6 * inputs[1].size + inputs[0].shape[2])

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Step through the frames; those of a block are read out at once."""
        u, lambda_re, lambda_im, c_re, c_im, d = inputs
        h_re, h_im = states
        y = np.zeros_like(u)
        for block in frame_blocks(u.shape[1], h_re.size):
            hidden = np.empty((len(block), 2, *h_re.shape), dtype=np.float32)
            for t in block:
                re = lambda_re * h_re - lambda_im * h_im
                im = lambda_re * h_im + lambda_im * h_re
                h_re, h_im = floatmath.flush(re + u[0, t, :, None]), floatmath.flush(im)
                hidden[t - block.start] = h_re, h_im
            total = y[0, block.start : block.stop]
            for n in range(h_re.shape[1]):
                total += c_re[:, n] * hidden[:, 0, :, n] - c_im[:, n] * hidden[:, 1, :, n]
        return (y + d * u,), (h_re, h_im)

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_state_space.h."""
        d, n = call.input_types[1].shape
        pointers = ", ".join((*call.inputs, *call.states, call.outputs[0]))
        return f"edgeeeg_s4d({pointers}, {call.input_types[0].frames}, {d}, {n});"

    def step_to_onnx(self, call: OnnxCall) -> None:
        """Mul, Add, Sub, ReduceSum, and Where for small memories."""
        add, constant = call.builder.add, call.builder.constant
        u, lambda_re, lambda_im, c_re, c_im, d = call.inputs
        h_re, h_im = call.states
        column = constant([1], "int64")
        re = add("Sub", (add("Mul", (lambda_re, h_re)), add("Mul", (lambda_im, h_im))))
        im = add("Add", (add("Mul", (lambda_re, h_im)), add("Mul", (lambda_im, h_re))))
        driven = add("Add", (re, add("Unsqueeze", (u, column))))
        h_re = flush_to_onnx(call.builder, driven, call.next_states[0])
        h_im = flush_to_onnx(call.builder, im, call.next_states[1])
        seen = add("Sub", (add("Mul", (c_re, h_re)), add("Mul", (c_im, h_im))))
        total = add("ReduceSum", (seen, column), keepdims=0)
        add("Add", (total, add("Mul", (d, u))), call.outputs[0])
