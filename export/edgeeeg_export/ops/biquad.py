"""Biquad: a cascade of second-order sections, each the transposed direct form II of the operator z - 1.

y[t] = b0 x[t] + d1;  d1 += (β1 x[t] - α1 y[t]) + d2;  d2 += β2 x[t] - α2 y[t]

with β1 = 2 b0 + b1, β2 = b0 + b1 + b2, α1 = 2 + a1, α2 = 1 + a1 + a2 of a section (b0, b1, b2, 1, a1, a2),
and memories of at most 2^-80 set to 0. Source: Kauraniemi et al. 1998, Delta operator realizations of
direct-form IIR filters, IEEE Trans. Circuits Syst. II 45(1), structure δDFIIt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg import floatmath
from edgeeeg_export.ops.cell import Cell
from edgeeeg_export.ops.flush import flush_to_onnx
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, lower_one, require
from edgeeeg_export.tensor import Array, State, TensorType


@dataclass(frozen=True, slots=True)
class Biquad(Cell):
    """Inputs x (1, channels, frames) and coefficients (sections, 5): b0, β1, β2, α1, α2; output like x."""

    window_axes: ClassVar[tuple[int | None, ...]] = (2, None)
    operands: ClassVar[tuple[str, ...]] = ("x", "coefficients")
    in_place: ClassVar[bool] = True

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """The custom node `edgeeeg::Biquad`."""
        return lower_one(cls(), node)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of x."""
        x, coefficients = inputs
        require(
            len(x.shape) == 3 and x.shape[0] == 1 and x.time_axis == 2,
            f"it expects (1, channels, time), not {x.shape}",
        )
        require(
            len(coefficients.shape) == 2 and coefficients.shape[1] == 5,
            f"its coefficients are {coefficients.shape}; expected five per section",
        )
        return (x,)

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """Two memories per channel and section."""
        x, coefficients = inputs
        return (State("memory", (x.shape[1], coefficients.shape[0], 2)),)

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """Five per section and element."""
        return inputs[1].size * inputs[0].size

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Section after section; what does not feed back is multiplied for all frames at once."""
        x, coefficients = inputs
        y = np.array(x[0].T, order="C")  # a copy, also of a single channel, because it is overwritten
        memory = np.empty_like(states[0])
        for s, section in enumerate(coefficients):
            through, forward = section[0] * y, section[1:3, None] * y[:, None, :]
            alphas = section[3:, None]
            d = states[0][:, s].T  # (2, channels)
            for t in range(len(y)):
                result = through[t] + d[0]
                moved = forward[t] - alphas * result
                moved[0] += d[1]
                d = floatmath.flush(d + moved)
                y[t] = result
            memory[:, s] = d.T
        return (np.ascontiguousarray(y.T)[None],), (memory,)

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_kernels.h."""
        _, channels, frames = call.input_types[0].shape
        pointers = ", ".join((*call.inputs, call.states[0], call.outputs[0]))
        return f"edgeeeg_biquad({pointers}, {channels}, {frames}, {call.input_types[1].shape[0]});"

    def step_to_onnx(self, call: OnnxCall) -> None:
        """Mul, Add, Sub, and Where for small memories; the sections are unrolled."""
        add, constant = call.builder.add, call.builder.constant
        n_sections = call.input_types[1].shape[0]
        column, sections = constant([1], "int64"), []

        def pick(name: str, k: int, axis: int) -> str:
            return add("Gather", (name, constant(k, "int64")), axis=axis)

        y = call.inputs[0]  # (channels,)
        for s in range(n_sections):
            section, memory = pick(call.inputs[1], s, 0), pick(call.states[0], s, 1)
            b0, beta1, beta2, alpha1, alpha2 = (pick(section, k, 0) for k in range(5))
            d1, d2 = pick(memory, 0, 1), pick(memory, 1, 1)
            last = call.outputs[0] if s == n_sections - 1 else None
            result = add("Add", (add("Mul", (b0, y)), d1), last)
            moved1 = add("Sub", (add("Mul", (beta1, y)), add("Mul", (alpha1, result))))
            moved2 = add("Sub", (add("Mul", (beta2, y)), add("Mul", (alpha2, result))))
            d1 = flush_to_onnx(call.builder, add("Add", (d1, add("Add", (moved1, d2)))))
            d2 = flush_to_onnx(call.builder, add("Add", (d2, moved2)))
            pair = add("Concat", [add("Unsqueeze", (d, column)) for d in (d1, d2)], axis=1)
            sections.append(add("Unsqueeze", (pair, column)))  # (channels, 1, 2)
            y = result
        add("Concat", sections, call.next_states[0], axis=1)
