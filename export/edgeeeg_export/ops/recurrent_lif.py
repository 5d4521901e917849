"""RecurrentLif: LIF neurons that hear each other's last spikes, with the semantics of snnTorch's `RLeaky`.

in[t] = (beta mem[t-1] + x[t]) + (sum_j V[:, j] spike[t-1, j] + bias);  r = H(mem[t-1] > threshold)

subtract:  mem[t] = in[t] - threshold r        zero:  mem[t] = in[t] where not r, else 0
spike[t] = H(mem[t] > threshold), summed in the order of j.

Spikes are state beside the membrane, which without delay does not tell them. Source: snnTorch 1.0, `RLeaky`
with `linear_features`; `all_to_all=False` is a diagonal V. `ops/firing.py` has the reset without delay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.firing import Firing, Flags
from edgeeeg_export.ops.op import OnnxCall
from edgeeeg_export.ops.spiking import FORCED, Frame, Spiking
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class RecurrentLif(Spiking):
    """Inputs x (1, frames, n), beta and threshold (n,), V (n, n), bias (n,); output spikes (1, frames, n)."""

    window_axes: ClassVar[tuple[int | None, ...]] = (1, None, None, None, None, 1, 1)
    operands: ClassVar[tuple[str, ...]] = ("x", "beta", "threshold", "V", "bias", *FORCED)
    memories: ClassVar[tuple[str, ...]] = ("spk", "mem")
    in_units_of_x: ClassVar[tuple[int, ...]] = (2, 3, 4)

    def parameter_shapes(self, n: int) -> tuple[tuple[int, ...], ...]:
        """V is a row of weights for each neuron."""
        return (n,), (n,), (n, n), (n,)

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """The membrane and a row of V, per neuron and frame."""
        return inputs[0].size * (1 + inputs[0].shape[2])

    def advance(
        self,
        firing: Firing,
        x: Array,
        parameters: tuple[Array, ...],
        states: tuple[Array, ...],
        forced: tuple[Flags, Flags] | None,
    ) -> Frame:
        """Leak, recurrent input, reset, decide."""
        beta, threshold, weight, bias = parameters
        spk, mem = states
        reset = firing.passed(mem, threshold) if forced is None else forced[1]
        heard = np.zeros_like(mem)
        for j in range(len(spk)):
            heard += weight[:, j] * spk[j]
        mem = firing.discharge((beta * mem + x) + (heard + bias), reset, threshold)
        spike = firing.passed(mem, threshold) if forced is None else forced[0]
        kept = firing.settle(mem, reset, threshold, spike)
        return Frame(mem, threshold, reset, (spike.astype(np.float32), kept))

    def kernel(self) -> str:
        """As in C."""
        return "recurrent_lif"

    def step_to_onnx(self, call: OnnxCall) -> None:
        """MatMul, Mul, Add, Greater, Where, Sub."""
        builder, firing = call.builder, self.firing
        add, constant = builder.add, builder.constant
        x, beta, threshold, weight, bias = call.inputs[:5]
        spk, mem = call.states
        reset = self.reset_onnx(call, mem, threshold)
        column = constant([1], "int64")
        heard = add("Squeeze", (add("MatMul", (weight, add("Unsqueeze", (spk, column)))), column))
        charged = add("Add", (add("Mul", (beta, mem)), x))
        driven = add("Add", (charged, add("Add", (heard, bias))))
        mem = firing.discharge_onnx(builder, driven, reset, threshold)
        spike = self.spikes_onnx(call, mem, threshold)
        heard_next = self.follow_onnx(call, spike)
        add("Where", (heard_next, constant(1.0), constant(0.0)), call.next_states[0])
        self.settle_onnx(call, mem, spike, reset, threshold, call.next_states[1])
