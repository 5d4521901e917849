"""Lif: leaky integrate-and-fire neurons with the semantics of snnTorch's `Leaky`, named in the attributes.

subtract:  mem[t] = (beta mem[t-1] + x[t]) - threshold r       r = H(mem[t-1] > threshold)
zero:      mem[t] = beta (mem[t-1] where not r) + x[t]         spike[t] = H(mem[t] > threshold)

The membrane is the whole state. `ops/firing.py` has the reset without delay. Source: snnTorch 1.0, `Leaky`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeeeg_export.ops.firing import Firing, Flags
from edgeeeg_export.ops.op import OnnxCall
from edgeeeg_export.ops.spiking import FORCED, Frame, Spiking
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Lif(Spiking):
    """Inputs x (1, frames, n), beta (n,), threshold (n,); output spikes (1, frames, n) of 0 and 1."""

    window_axes: ClassVar[tuple[int | None, ...]] = (1, None, None, 1, 1)
    operands: ClassVar[tuple[str, ...]] = ("x", "beta", "threshold", *FORCED)
    memories: ClassVar[tuple[str, ...]] = ("mem",)
    in_units_of_x: ClassVar[tuple[int, ...]] = (2,)

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """One per neuron and frame."""
        return inputs[0].size

    def advance(
        self,
        firing: Firing,
        x: Array,
        parameters: tuple[Array, ...],
        states: tuple[Array, ...],
        forced: tuple[Flags, Flags] | None,
    ) -> Frame:
        """Leak, reset, decide."""
        beta, threshold = parameters
        (mem,) = states
        reset = firing.passed(mem, threshold) if forced is None else forced[1]
        mem = firing.leak(beta, mem, x, reset, threshold)
        kept = firing.settle(mem, reset, threshold, None if forced is None else forced[0])
        return Frame(mem, threshold, reset, (kept,))

    def kernel(self) -> str:
        """As in C."""
        return "lif"

    def step_to_onnx(self, call: OnnxCall) -> None:
        """Greater, Where, Mul, Add, Sub."""
        builder, firing = call.builder, self.firing
        x, beta, threshold = call.inputs[:3]
        reset = self.reset_onnx(call, call.states[0], threshold)
        mem = firing.leak_onnx(builder, beta, call.states[0], x, reset, threshold)
        spike = self.spikes_onnx(call, mem, threshold)
        self.settle_onnx(call, mem, spike, reset, threshold, call.next_states[0])
