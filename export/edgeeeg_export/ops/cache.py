"""Cache: y = the last `length` frames before x, then x; padding before the first sample."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export.ops.cache_form import CacheForm, forms
from edgeeeg_export.ops.op import CCall, OnnxCall, Op, require
from edgeeeg_export.tensor import BYTES, SUFFIX, Array, State, TensorType


@dataclass(frozen=True, slots=True)
class Cache(Op):
    """What lets a convolution or pool look back: n frames of x become length + n.

    Placed by the streaming pass; initial frames of `padding` equal the padding of the offline layer exactly.
    In C the state holds all length + n frames and is itself the output, so nothing is copied twice; `form`
    says how they go on.
    """

    length: int
    padding: float = 0.0
    axis: int = -1

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """Longer by `length` frames."""
        (x,) = inputs
        axis = self.axis % len(x.shape)
        require(x.time_axis == axis, f"a cache along axis {axis} needs time there")
        longer = x.shape[axis] + self.length
        return (replace(x, shape=(*x.shape[:axis], longer, *x.shape[axis + 1 :])),)

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """The last `length` frames."""
        shape, axis = inputs[0].shape, self.axis % len(inputs[0].shape)
        return (
            State("frames", (*shape[:axis], self.length, *shape[axis + 1 :]), self.padding, inputs[0].dtype),
        )

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Concatenate, and keep the end."""
        y = np.concatenate([states[0], inputs[0]], axis=self.axis)
        return (y,), (np.split(y, [y.shape[self.axis] - self.length], axis=self.axis)[1],)

    def forms(self, inputs: tuple[TensorType, ...]) -> tuple[CacheForm, ...]:
        """How it can go on in memory, the cheapest first."""
        shape, axis = inputs[0].shape, self.axis % len(inputs[0].shape)
        frame = math.prod(shape[axis + 1 :])
        element = BYTES[inputs[0].dtype]
        return forms(math.prod(shape[:axis]), self.length * frame, shape[axis] * frame, element)

    def emit_c(self, call: CCall) -> str:
        """Shift the state by the new frames and append them; the output is the state."""
        form, suffix = self.forms(call.input_types)[0], SUFFIX[call.input_types[0].dtype]
        sizes = f"{form.rows}, {form.length}, {form.new}"
        return f"edgeeeg_cache{suffix}({call.inputs[0]}, {call.outputs[0]}, {sizes});"

    def emit_sliding_c(self, call: CCall, form: CacheForm, start: str) -> str:
        """The same in spare memory, from `outputs` on: `start` points to where in it the window begins."""
        suffix, sizes = SUFFIX[call.input_types[0].dtype], f"{form.rows}, {form.length}, {form.new}"
        operands = f"{call.inputs[0]}, {call.outputs[0]}, {start}"
        return f"edgeeeg_slide_cache{suffix}({operands}, {sizes}, {form.spare});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Concat, and Slice for the next state."""
        axis = self.axis % len(call.input_types[0].shape)
        frames = call.input_types[0].shape[axis]
        y = call.builder.add("Concat", (call.states[0], call.inputs[0]), call.outputs[0], axis=axis)
        ends = [call.builder.constant([v], "int64") for v in (frames, frames + self.length, axis)]
        call.builder.add("Slice", (y, *ends), call.next_states[0])
