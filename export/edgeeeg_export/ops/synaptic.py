"""Synaptic: LIF neurons behind a decaying current, with the semantics of snnTorch's `Synaptic`.

syn[t] = alpha syn[t-1] + x[t];  r = H(mem[t-1] > threshold);  spike[t] = H(mem[t] > threshold)

subtract:  mem[t] = (beta mem[t-1] + syn[t]) - threshold r
zero:      mem[t] = beta mem[t-1] + syn[t] where not r, else 0; the current stays

Source: snnTorch 1.0, `Synaptic`. `ops/firing.py` has the reset without delay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeeeg_export.ops.firing import Firing, Flags
from edgeeeg_export.ops.op import OnnxCall
from edgeeeg_export.ops.spiking import FORCED, Frame, Spiking
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Synaptic(Spiking):
    """Inputs x (1, frames, n), alpha, beta and threshold (n,); output spikes (1, frames, n) of 0 and 1."""

    window_axes: ClassVar[tuple[int | None, ...]] = (1, None, None, None, 1, 1)
    operands: ClassVar[tuple[str, ...]] = ("x", "alpha", "beta", "threshold", *FORCED)
    memories: ClassVar[tuple[str, ...]] = ("syn", "mem")
    in_units_of_x: ClassVar[tuple[int, ...]] = (3,)

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """Two per neuron and frame: the current and the membrane."""
        return 2 * inputs[0].size

    def advance(
        self,
        firing: Firing,
        x: Array,
        parameters: tuple[Array, ...],
        states: tuple[Array, ...],
        forced: tuple[Flags, Flags] | None,
    ) -> Frame:
        """Current, leak, reset, decide."""
        alpha, beta, threshold = parameters
        syn, mem = states
        reset = firing.passed(mem, threshold) if forced is None else forced[1]
        syn = alpha * syn + x
        mem = firing.discharge(beta * mem + syn, reset, threshold)
        kept = firing.settle(mem, reset, threshold, None if forced is None else forced[0])
        return Frame(mem, threshold, reset, (syn, kept))

    def kernel(self) -> str:
        """As in C."""
        return "synaptic"

    def step_to_onnx(self, call: OnnxCall) -> None:
        """Mul, Add, Greater, Where, Sub."""
        builder, firing = call.builder, self.firing
        add = builder.add
        x, alpha, beta, threshold = call.inputs[:4]
        syn, mem = call.states
        reset = self.reset_onnx(call, mem, threshold)
        current = add("Add", (add("Mul", (alpha, syn)), x), call.next_states[0])
        charged = add("Add", (add("Mul", (beta, mem)), current))
        mem = firing.discharge_onnx(builder, charged, reset, threshold)
        spike = self.spikes_onnx(call, mem, threshold)
        self.settle_onnx(call, mem, spike, reset, threshold, call.next_states[1])
