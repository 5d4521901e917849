"""RunningZScore: samples in units of the standard deviation of all samples so far, old ones weighing less.

e = x[t] - m;  m += g e;  v = (1 - g) (v + e (g e));  y[t] = (x[t] - m) / √(v + ε)

The gain g is that of ExponentialMovingAverage; means and variances of at most 2^-80 are set to 0. Source:
Finch 2009, Incremental calculation of weighted mean and variance, section 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg import floatmath
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.cell import Cell
from edgeeeg_export.ops.flush import flush_to_onnx
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, lower_one
from edgeeeg_export.ops.running_gain import ONE, gain_to_onnx, gains, require_signal
from edgeeeg_export.tensor import Array, State, TensorType


@dataclass(frozen=True, slots=True)
class RunningZScore(Cell):
    """Inputs x (1, channels, frames) and α (1,); output like x. ε has the unit of x squared."""

    window_axes: ClassVar[tuple[int | None, ...]] = (2, None)
    operands: ClassVar[tuple[str, ...]] = ("x", "alpha")
    in_place: ClassVar[bool] = True
    epsilon: float

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """The custom node `edgeeeg::RunningZScore`."""
        epsilon = float(node.attribute("epsilon", 0.0))
        if epsilon <= 0:
            raise node.refuse(f"its epsilon is {epsilon}; silence needs one above 0")
        return lower_one(cls(epsilon), node)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of x."""
        require_signal(*inputs)
        return inputs[:1]

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """The weight of all samples so far, and the mean and variance of each channel."""
        channels = (inputs[0].shape[1],)
        return (State("weight", (1,)), State("mean", channels), State("variance", channels))

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """Four per element: two moments, the square, the scale."""
        return 4 * inputs[0].size

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Step through the frames; the scores of all of them are computed at once."""
        x, alpha = inputs
        each, weight = gains(alpha, states[0], x.shape[2])
        _, mean, variance = states
        means, variances = np.empty_like(x), np.empty_like(x)
        for t, gain in enumerate(each):
            apart = x[0, :, t] - mean
            moved = gain * apart
            mean = floatmath.flush(mean + moved)
            variance = floatmath.flush((ONE - gain) * (variance + apart * moved))
            means[0, :, t], variances[0, :, t] = mean, variance
        y = (x - means) / np.sqrt(variances + np.float32(self.epsilon))
        return (y,), (weight, mean, variance)

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_kernels.h."""
        _, channels, frames = call.input_types[0].shape
        pointers = ", ".join((*call.inputs, *call.states, call.outputs[0]))
        return f"edgeeeg_running_z_score({pointers}, {channels}, {frames}, {literal(self.epsilon)});"

    def step_to_onnx(self, call: OnnxCall) -> None:
        """Sub, Mul, Add, Div, Sqrt, and Where for small moments."""
        add, constant = call.builder.add, call.builder.constant
        (x, alpha), (weight, mean, variance) = call.inputs, call.states
        gain = gain_to_onnx(call.builder, alpha, weight, call.next_states[0])
        apart = add("Sub", (x, mean))
        moved = add("Mul", (gain, apart))
        mean = flush_to_onnx(call.builder, add("Add", (mean, moved)), call.next_states[1])
        grown = add("Add", (variance, add("Mul", (apart, moved))))
        kept = add("Mul", (add("Sub", (constant(1.0), gain)), grown))
        variance = flush_to_onnx(call.builder, kept, call.next_states[2])
        deviation = add("Sqrt", (add("Add", (variance, constant(self.epsilon))),))
        add("Div", (add("Sub", (x, mean)), deviation), call.outputs[0])
