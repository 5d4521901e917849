"""Interleave: y[c, t L + p] = x[p, c, t], the L phases of a polyphase filter woven into one signal.

Source: Crochiere and Rabiner 1983, Multirate Digital Signal Processing (the interpolator's commutator).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from edgeeeg_export.ops.loop_nest import nest
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, lower_one, require
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Interleave(Op):
    """Input x (1, L, channels, frames); output (1, channels, frames L)."""

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """The custom node `edgeeeg::Interleave`."""
        return lower_one(cls(), node)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """L times the frames, each of an L-th of the samples."""
        (x,) = inputs
        require(
            len(x.shape) == 4 and x.shape[0] == 1 and x.time_axis == 3,
            f"it expects (1, phases, channels, time), not {x.shape}",
        )
        _, phases, channels, frames = x.shape
        samples = Fraction(x.samples_per_frame) / phases
        return (TensorType((1, channels, frames * phases), 2, samples),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Reorder."""
        x = inputs[0]
        y = x.transpose(0, 2, 3, 1).reshape(1, x.shape[2], -1)
        return (np.ascontiguousarray(y),), ()

    def emit_c(self, call: CCall) -> str:
        """Nested loops over the output."""
        _, phases, channels, frames = call.input_types[0].shape
        value = f"{call.inputs[0]}[(i2 * {channels} + i0) * {frames} + i1]"
        return "size_t o = 0;\n" + nest((channels, frames, phases), (f"{call.outputs[0]}[o++] = {value};",))

    def to_onnx(self, call: OnnxCall) -> None:
        """Transpose and Reshape."""
        shape = call.builder.constant(list(call.output_types[0].shape), "int64")
        moved = call.builder.add("Transpose", call.inputs[:1], perm=[0, 2, 3, 1])
        call.builder.add("Reshape", (moved, shape), call.outputs[0])
