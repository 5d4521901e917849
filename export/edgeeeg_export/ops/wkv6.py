"""Wkv6: the attention of RWKV-6, a matrix per head whose rows decay as the data say.

y[t] = sum_k r[t, k] S[t-1, k] + (sum_k (r[t, k] u[k]) k[t, k]) v[t]
S[t, k] = w[t, k] S[t-1, k] + k[t, k] v[t]

summed in the order of the keys. w is the decay itself, within (0, 1). Elements of S that have decayed to
2^-80 become 0. Source: Peng et al. 2024, "Eagle and Finch: RWKV with matrix-valued states and dynamic
recurrence", section 4, recurrent form of Finch's time mixing; what u weighs is summed apart.
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
class Wkv6(Cell):
    """Inputs r, k and w (1, frames, H K), v (1, frames, H V), bonus u (H, K); output (1, frames, H V).

    Features are those of the first head, then those of the second, and so on.
    """

    window_axes: ClassVar[tuple[int | None, ...]] = (1, 1, 1, 1, None)
    operands: ClassVar[tuple[str, ...]] = ("r", "k", "v", "w", "u")

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """The custom node `edgeeeg::Wkv6`."""
        return lower_one(cls(), node)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of v."""
        r, k, v, w, u = inputs
        require_sequences({"r": r, "k": k, "v": v, "w": w})
        require(len(u.shape) == 2, f"its u is {u.shape}; give it (heads, keys of a head)")
        heads, width = u.shape[0], u.size
        for name, x in (("r", r), ("k", k), ("w", w)):
            require(
                x.shape[2] == width,
                f"its {name} has {x.shape[2]} features; u {u.shape} needs heads times keys, {width}",
            )
        require(
            v.shape[2] % heads == 0,
            f"its v has {v.shape[2]} features, which {heads} heads do not share equally; use a multiple",
        )
        return (v,)

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """The matrices S (heads, keys, values)."""
        v, u = inputs[2], inputs[4]
        return (State("S", (*u.shape, v.shape[2] // u.shape[0])),)

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """Three per element of S and frame: readout, decay, input; and those of the bonus."""
        v, u = inputs[2], inputs[4]
        return v.frames * (3 * self.states(inputs)[0].size + 2 * u.size + v.shape[2])

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Step through the frames; those of a block are read out at once."""
        (s,) = states
        heads, n_keys, n_values = s.shape
        r, k, w = (x.reshape(-1, heads, n_keys) for x in (inputs[0], inputs[1], inputs[3]))
        v = inputs[2].reshape(-1, heads, n_values)
        y = np.zeros_like(v)
        bonus = np.zeros((len(v), heads), dtype=np.float32)
        weighted = (r * inputs[4]) * k
        for i in range(n_keys):
            bonus += weighted[:, :, i]
        for block in frame_blocks(len(v), s.size):
            before = np.empty((len(block), *s.shape), dtype=np.float32)
            for t in block:
                before[t - block.start] = s
                s = floatmath.flush(w[t, :, :, None] * s + k[t, :, :, None] * v[t, :, None])
            total = y[block.start : block.stop]
            for i in range(n_keys):
                total += r[block.start : block.stop, :, i, None] * before[:, :, i]
        y += bonus[:, :, None] * v
        return (y.reshape(inputs[2].shape),), (s,)

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_attention.h."""
        v, (heads, n_keys) = call.input_types[2], call.input_types[4].shape
        pointers = ", ".join((*call.inputs, *call.states, call.outputs[0]))
        return f"edgeeeg_wkv6({pointers}, {v.frames}, {heads}, {n_keys}, {v.shape[2] // heads});"

    def step_to_onnx(self, call: OnnxCall) -> None:
        """Reshape into heads, Mul, Add, ReduceSum, and Where for small memories."""
        add, constant = call.builder.add, call.builder.constant
        heads, n_keys = call.input_types[4].shape
        n_values = call.input_types[2].shape[0] // heads
        as_keys, as_values = constant([heads, n_keys, 1], "int64"), constant([heads, 1, n_values], "int64")
        r, k, w, u = (add("Reshape", (call.inputs[i], as_keys)) for i in (0, 1, 3, 4))
        v = add("Reshape", (call.inputs[2], as_values))
        keys = constant([1], "int64")
        weighted = add("Mul", (add("Mul", (r, u)), k))
        bonus = add("ReduceSum", (weighted, keys))  # (heads, 1, 1)
        seen = add("ReduceSum", (add("Mul", (r, call.states[0])), keys))  # (heads, 1, values)
        total = add("Add", (seen, add("Mul", (bonus, v))))
        add("Reshape", (total, constant([heads * n_values], "int64")), call.outputs[0])
        s = add("Add", (add("Mul", (w, call.states[0])), add("Mul", (k, v))))
        flush_to_onnx(call.builder, s, call.next_states[0])
