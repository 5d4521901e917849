"""Lif: leaky integrate-and-fire neurons with the semantics of snnTorch's `Leaky`, named in the attributes.

mem[t] = (beta mem[t-1] + x[t]) - threshold H(mem[t-1] > threshold);  spike[t] = H(mem[t] > threshold)

Reset by subtraction, one step after the spike (`reset_delay`), firing strictly above the threshold. The
membrane is the whole state. Source: snnTorch `Leaky(reset_mechanism="subtract", reset_delay=True)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.cell import Cell
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, lower_one, require
from edgeeeg_export.tensor import Array, State, TensorType


@dataclass(frozen=True, slots=True)
class Lif(Cell):
    """Inputs x (1, frames, n), beta (n,), threshold (n,); output spikes (1, frames, n) of 0 and 1.

    A fourth input, when there is one, holds the spikes of the previous frame that cause the reset in place of
    the neuron's own: the verifier forces a reference's spikes on another target with it.
    """

    window_axes: ClassVar[tuple[int | None, ...]] = (1, None, None, 1)
    operands: ClassVar[tuple[str, ...]] = ("x", "beta", "threshold", "fired")
    results: ClassVar[tuple[str, ...]] = ("spikes",)
    in_place: ClassVar[bool] = True
    reset: str = "subtract"
    reset_delay: bool = True

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """The custom node `edgeeeg::Lif`."""
        reset, delay = node.attribute("reset", "subtract"), bool(node.attribute("reset_delay", 1))
        if (reset, delay) != ("subtract", True):
            raise node.refuse(
                f"reset='{reset}', reset_delay={delay} is not built; use reset='subtract', reset_delay=True"
            )
        return lower_one(cls(reset, delay), node)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of x."""
        x, beta, threshold = inputs[:3]
        require(
            len(x.shape) == 3 and x.shape[0] == 1 and x.time_axis == 1,
            f"it expects (1, time, neurons), not {x.shape}",
        )
        require(
            beta.shape == threshold.shape == x.shape[2:], "beta and threshold must be one value per neuron"
        )
        return (x,)

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """The membrane potentials."""
        return (State("mem", inputs[0].shape[2:]),)

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """One per neuron and frame."""
        return inputs[0].size

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Fire where the membrane is above the threshold."""
        mem = self.membranes(inputs, states)
        return ((mem > inputs[2]).astype(np.float32),), (mem[0, -1],)

    def membranes(self, inputs: tuple[Array, ...], states: tuple[Array, ...]) -> Array:
        """The membrane potentials after every frame, (1, frames, n)."""
        x, beta, threshold = inputs[:3]
        (mem,) = states
        after = np.empty_like(x)
        zero = np.float32(0.0)
        for t in range(x.shape[1]):
            fired = mem > threshold if len(inputs) == 3 else inputs[3][0, t] > zero
            mem = (beta * mem + x[0, t]) - np.where(fired, threshold, zero)
            after[0, t] = mem
        return after

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_kernels.h."""
        _, frames, n = call.input_types[0].shape
        x, beta, threshold = call.inputs
        return f"edgeeeg_lif({x}, {beta}, {threshold}, {call.states[0]}, {call.outputs[0]}, {frames}, {n});"

    def step_to_onnx(self, call: OnnxCall) -> None:
        """Greater, Where, Mul, Add, Sub."""
        add, constant = call.builder.add, call.builder.constant
        x, beta, threshold = call.inputs[:3]
        (mem,), zero = call.states, constant(0.0)
        fired = add("Greater", (mem, threshold) if len(call.inputs) == 3 else (call.inputs[3], zero))
        charged = add("Add", (add("Mul", (beta, mem)), x))
        mem = add("Sub", (charged, add("Where", (fired, threshold, zero))), call.next_states[0])
        add("Where", (add("Greater", (mem, threshold)), constant(1.0), zero), call.outputs[0])
