"""AdaptiveLif: LIF neurons whose threshold rises as they fire, those of an LSNN.

B[t] = threshold + b a[t];  r = H(mem[t-1] > B[t-1]);  a[t] = rho a[t-1] + (1 - rho) r

subtract:  mem[t] = (beta mem[t-1] + x[t]) - B[t-1] r       spike[t] = H(mem[t] > B[t])
zero:      mem[t] = beta (mem[t-1] where not r) + x[t]

Source: Bellec et al. 2018, arXiv 1803.09574, eq. 1 and the LSNN model of its methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.firing import ONE, ZERO, Firing, Flags
from edgeeeg_export.ops.op import OnnxCall, require
from edgeeeg_export.ops.spiking import FORCED, Frame, Spiking
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class AdaptiveLif(Spiking):
    """Inputs x (1, frames, n), beta, threshold, rho and b (n,); output spikes (1, frames, n) of 0 and 1."""

    window_axes: ClassVar[tuple[int | None, ...]] = (1, None, None, None, None, 1, 1)
    operands: ClassVar[tuple[str, ...]] = ("x", "beta", "threshold", "rho", "b", *FORCED)
    memories: ClassVar[tuple[str, ...]] = ("mem", "a")
    in_units_of_x: ClassVar[tuple[int, ...]] = (2, 4)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of x."""
        require(self.reset_delay, "a reset without delay is not defined for it; use reset_delay=1")
        return super(AdaptiveLif, self).infer(inputs)

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """Three per neuron and frame: the membrane, the adaptation and the threshold."""
        return 3 * inputs[0].size

    def advance(
        self,
        firing: Firing,
        x: Array,
        parameters: tuple[Array, ...],
        states: tuple[Array, ...],
        forced: tuple[Flags, Flags] | None,
    ) -> Frame:
        """Adapt, leak, reset, decide."""
        beta, threshold, rho, b = parameters
        mem, a = states
        passed = threshold + b * a
        reset = firing.passed(mem, passed) if forced is None else forced[1]
        a = rho * a + np.where(reset, ONE - rho, ZERO)
        mem = firing.leak(beta, mem, x, reset, passed)
        return Frame(mem, threshold + b * a, reset, (mem, a))

    def kernel(self) -> str:
        """As in C."""
        return "adaptive_lif"

    def step_to_onnx(self, call: OnnxCall) -> None:
        """Mul, Add, Greater, Where, Sub."""
        builder = call.builder
        add, constant = builder.add, builder.constant
        x, beta, threshold, rho, b = call.inputs[:5]
        mem, a = call.states
        passed = add("Add", (threshold, add("Mul", (b, a))))
        reset = self.fired_onnx(call, mem, passed)
        gain = add("Where", (reset, add("Sub", (constant(1.0), rho)), constant(0.0)))
        adapted = add("Add", (add("Mul", (rho, a)), gain), call.next_states[1])
        mem = self.firing.leak_onnx(builder, beta, mem, x, reset, passed)
        self.spikes_onnx(call, mem, add("Add", (threshold, add("Mul", (b, adapted)))))
        add("Identity", (mem,), call.next_states[0])
