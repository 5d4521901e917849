"""Wkv4: the attention of RWKV-4, a running mean of values per channel.

With a = max - (u + k), the exponent of the past above that of the present, and e = exp(-|a|):

y = (p num + f v) / (p den + f),  (p, f) = (1, e) where a > 0, else (e, 1)

and then, with a = (max - w) - k and e, p, f of it:

num = p num + f v;  den = p den + f;  max = the greater of max - w and k

num and den are in units of e^max; no exponent is above 0, and den is at least 1. Before the first frame
(`started` = 0) the past has no weight: (p, f) = (e, 1), max = k. num that has decayed to 2^-80 becomes 0.
Source: Peng et al. 2023, "RWKV: reinventing RNNs for the transformer era", appendix D with w > 0; of the two
exponentials that it takes one is always 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from edgeeeg import floatmath
from edgeeeg_export.ops.cell import Cell
from edgeeeg_export.ops.flush import flush_to_onnx
from edgeeeg_export.ops.op import CCall, Lowered, OnnxBuilder, OnnxCall, OnnxNode, lower_one, require
from edgeeeg_export.ops.sequences import require_sequences
from edgeeeg_export.tensor import Array, State, TensorType

ZERO, ONE = np.float32(0.0), np.float32(1.0)


@dataclass(frozen=True, slots=True)
class Wkv4(Cell):
    """Inputs k and v (1, frames, d), decay rate w > 0 per frame and bonus u (d,); output (1, frames, d)."""

    window_axes: ClassVar[tuple[int | None, ...]] = (1, 1, None, None)
    operands: ClassVar[tuple[str, ...]] = ("k", "v", "w", "u")

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """The custom node `edgeeeg::Wkv4`."""
        return lower_one(cls(), node)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of k."""
        k, v, w, u = inputs
        require_sequences({"k": k, "v": v})
        width = k.shape[2]
        for name, x, wanted in (("v", v, k.shape), ("w", w, (width,)), ("u", u, (width,))):
            require(x.shape == wanted, f"its {name} is {x.shape}; k of {width} features needs {wanted}")
        return (k,)

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """Weighted sum, sum of weights and their exponent per channel; whether there was a frame."""
        channels = inputs[2].shape
        return (
            State("num", channels),
            State("den", channels),
            State("max", channels),
            State("started", (1,)),
        )

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """Six per channel and frame, beside two exponentials and a division."""
        return 6 * inputs[0].size

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Step through the frames, all channels at once."""
        keys, values, w, u = inputs
        num, den, top, started = states
        now = u + keys
        y = np.empty_like(keys)
        for t in range(keys.shape[1]):
            k, v = keys[0, t], values[0, t]
            past, present, _ = _weights(top - now[0, t], started)
            y[0, t] = (past * num + present * v) / (past * den + present)
            faded = top - w
            kept, added, leads = _weights(faded - k, started)
            num = floatmath.flush(kept * num + added * v)
            den = kept * den + added
            top = np.where(leads, faded, k)
            started = np.ones_like(started)
        return (y,), (num, den, top, started)

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_attention.h."""
        _, frames, width = call.input_types[0].shape
        pointers = ", ".join((*call.inputs, *call.states, call.outputs[0]))
        return f"edgeeeg_wkv4({pointers}, {frames}, {width});"

    def step_to_onnx(self, call: OnnxCall) -> None:
        """Exp, Mul, Add, Div, and Where for the greater exponent and small memories."""
        add, constant = call.builder.add, call.builder.constant
        k, v, w, u = call.inputs
        num, den, top, started = call.states
        begun = add("Greater", (started, constant(0.0)))
        ahead = add("Sub", (top, add("Add", (u, k))))
        past, present, _ = _weights_to_onnx(call.builder, ahead, begun)
        weighted = add("Add", (add("Mul", (past, num)), add("Mul", (present, v))))
        add("Div", (weighted, add("Add", (add("Mul", (past, den)), present))), call.outputs[0])
        faded = add("Sub", (top, w))
        kept, added, leads = _weights_to_onnx(call.builder, add("Sub", (faded, k)), begun)
        weighted = add("Add", (add("Mul", (kept, num)), add("Mul", (added, v))))
        flush_to_onnx(call.builder, weighted, call.next_states[0])
        add("Add", (add("Mul", (kept, den)), added), call.next_states[1])
        add("Where", (leads, faded, k), call.next_states[2])
        add("Identity", (constant([1.0]),), call.next_states[3])


def _weights(ahead: Array, started: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Weights of the past and of what is new, in units of the greater; whether that is the past's."""
    lesser = floatmath.exp(-np.abs(ahead))
    leads = (started > ZERO) & (ahead > ZERO)
    return np.where(leads, ONE, lesser), np.where(leads, lesser, ONE), leads


def _weights_to_onnx(builder: OnnxBuilder, ahead: str, begun: str) -> tuple[str, str, str]:
    """The same in standard operators."""
    one = builder.constant(1.0)
    lesser = builder.add("Exp", (builder.add("Neg", (builder.add("Abs", (ahead,)),)),))
    leads = builder.add("And", (begun, builder.add("Greater", (ahead, builder.constant(0.0)))))
    past = builder.add("Where", (leads, one, lesser))
    return past, builder.add("Where", (leads, lesser, one)), leads
