"""LinearAttention: attention without a softmax as a matrix per head, which decays.

S[t] = decay S[t-1] + k[t]ᵀ v[t];  y[t] = q[t] S[t]

summed in the order of the keys. The decay of a head lies within (0, 1), without it y would grow for ever.
Elements of S that have decayed to 2^-80 become 0. Source: Katharopoulos et al. 2020, "Transformers are RNNs",
equations 18 to 20 with the feature map in front and without the normalizer, and the decay of Sun et al. 2023,
"Retentive network", equation 6.
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
class LinearAttention(Cell):
    """Inputs q and k (1, frames, H K), v (1, frames, H V), decay (H,); output (1, frames, H V).

    Features are those of the first head, then those of the second, and so on.
    """

    window_axes: ClassVar[tuple[int | None, ...]] = (1, 1, 1, None)
    operands: ClassVar[tuple[str, ...]] = ("q", "k", "v", "decay")

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """The custom node `edgeeeg::LinearAttention`."""
        return lower_one(cls(), node)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of v."""
        q, k, v, decay = inputs
        require_sequences({"q": q, "k": k, "v": v})
        require(len(decay.shape) == 1, f"its decay is {decay.shape}; give it one for each head, (heads,)")
        require(k.shape == q.shape, f"its k is {k.shape} and q {q.shape}; give both the same features")
        for name, x in (("q", q), ("v", v)):
            require(
                x.shape[2] % decay.size == 0,
                f"its {name} has {x.shape[2]} features, which {decay.size} heads do not share equally; use a "
                "multiple",
            )
        return (v,)

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """The matrices S (heads, keys, values)."""
        q, _, v, decay = inputs
        return (State("S", (decay.size, q.shape[2] // decay.size, v.shape[2] // decay.size)),)

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """Three per element of S and frame: decay, input, readout."""
        return inputs[0].frames * 3 * self.states(inputs)[0].size

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Step through the frames; those of a block are read out at once."""
        (s,) = states
        heads, n_keys, n_values = s.shape
        q, k = (x.reshape(-1, heads, n_keys) for x in inputs[:2])
        v = inputs[2].reshape(-1, heads, n_values)
        decay = inputs[3][:, None, None]
        y = np.zeros_like(v)
        for block in frame_blocks(len(v), s.size):
            after = np.empty((len(block), *s.shape), dtype=np.float32)
            for t in block:
                s = floatmath.flush(decay * s + k[t, :, :, None] * v[t, :, None])
                after[t - block.start] = s
            total = y[block.start : block.stop]
            for i in range(n_keys):
                total += q[block.start : block.stop, :, i, None] * after[:, :, i]
        return (y.reshape(inputs[2].shape),), (s,)

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_attention.h."""
        q, _, v, decay = call.input_types
        heads = decay.size
        pointers = ", ".join((*call.inputs, *call.states, call.outputs[0]))
        sizes = f"{q.frames}, {heads}, {q.shape[2] // heads}, {v.shape[2] // heads}"
        return f"edgeeeg_linear_attention({pointers}, {sizes});"

    def step_to_onnx(self, call: OnnxCall) -> None:
        """Reshape into heads, Mul, Add, ReduceSum, and Where for small memories."""
        add, constant = call.builder.add, call.builder.constant
        q, _, v, decay = call.input_types
        heads = decay.size
        as_keys, as_values, as_heads = (
            constant([heads, *shape], "int64")
            for shape in ((q.size // heads, 1), (1, v.size // heads), (1, 1))
        )
        queries, keys = (add("Reshape", (name, as_keys)) for name in call.inputs[:2])
        values, kept = add("Reshape", (call.inputs[2], as_values)), add("Reshape", (call.inputs[3], as_heads))
        s = add("Add", (add("Mul", (kept, call.states[0])), add("Mul", (keys, values))))
        s = flush_to_onnx(call.builder, s, call.next_states[0])
        seen = add("ReduceSum", (add("Mul", (queries, s)), constant([1], "int64")), keepdims=0)
        add("Reshape", (seen, constant([v.size], "int64")), call.outputs[0])
