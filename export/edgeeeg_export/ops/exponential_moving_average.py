"""ExponentialMovingAverage: the mean of all samples so far, which weigh less and less with their age.

w[t] = w[t-1] + α (1 - w[t-1]);  m[t] = m[t-1] + (α / w[t]) (x[t] - m[t-1])

w is the sum of the weights α (1 - α)^k given so far, so m is right from the first sample on; a mean of at
most 2^-80 is set to 0. Source: Kingma and Ba 2015, arXiv 1412.6980, section 3 (correction of the initial
bias).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg import floatmath
from edgeeeg_export.ops.cell import Cell
from edgeeeg_export.ops.flush import flush_to_onnx
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, lower_one
from edgeeeg_export.ops.running_gain import gain_to_onnx, gains, require_signal
from edgeeeg_export.tensor import Array, State, TensorType


@dataclass(frozen=True, slots=True)
class ExponentialMovingAverage(Cell):
    """Inputs x (1, channels, frames) and α (1,); output like x."""

    window_axes: ClassVar[tuple[int | None, ...]] = (2, None)
    operands: ClassVar[tuple[str, ...]] = ("x", "alpha")
    in_place: ClassVar[bool] = True

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """The custom node `edgeeeg::ExponentialMovingAverage`."""
        return lower_one(cls(), node)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of x."""
        require_signal(*inputs)
        return inputs[:1]

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """The weight of all samples so far, and the mean of each channel."""
        return (State("weight", (1,)), State("mean", (inputs[0].shape[1],)))

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """One per element."""
        return inputs[0].size

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Step through the frames."""
        x, alpha = inputs
        each, weight = gains(alpha, states[0], x.shape[2])
        mean, y = states[1], np.empty_like(x)
        for t, gain in enumerate(each):
            mean = floatmath.flush(mean + gain * (x[0, :, t] - mean))
            y[0, :, t] = mean
        return (y,), (weight, mean)

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_kernels.h."""
        _, channels, frames = call.input_types[0].shape
        pointers = ", ".join((*call.inputs, *call.states, call.outputs[0]))
        return f"edgeeeg_moving_average({pointers}, {channels}, {frames});"

    def step_to_onnx(self, call: OnnxCall) -> None:
        """Sub, Mul, Add, Div, and Where for a small mean."""
        add = call.builder.add
        (x, alpha), (weight, mean) = call.inputs, call.states
        gain = gain_to_onnx(call.builder, alpha, weight, call.next_states[0])
        moved = add("Mul", (gain, add("Sub", (x, mean))))
        mean = flush_to_onnx(call.builder, add("Add", (mean, moved)), call.next_states[1])
        add("Identity", (mean,), call.outputs[0])
