"""Clock: how many steps have run before each one, and how many since the recording ended.

A stream needs it where a layer in mid-network must not take what lies before the start or after the end for
features. After the last sample, whoever feeds the program sets the state `ended` to 1 and runs on.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from edgeeeg_export.ops.op import CCall, OnnxCall, Op, require
from edgeeeg_export.tensor import Array, State, TensorType

SATURATED = 2.0**20
"""Where the counts stop: far past every delay, and exact in float32."""
ENDED = "ended"
"""Name of the state that is 0 until the recording has ended, then 1 and the steps since."""


@dataclass(frozen=True, slots=True)
class Clock(Op):
    """For an input x with `frames` of its frames a step: (steps, 2) of steps before, and ended ones or 0."""

    frames: int

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """A frame per step."""
        (x,) = inputs
        require(x.frames % self.frames == 0, f"{x.frames} frames are not whole steps of {self.frames}")
        return (TensorType((x.frames // self.frames, 2), 0, Fraction(x.samples_per_frame) * self.frames),)

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """Steps so far; and 0, or one more than the steps since the end."""
        return State("steps", (1,)), State(ENDED, (1,))

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Count on; the time axis of x is its last."""
        count = inputs[0].shape[-1] // self.frames
        limit = np.float32(SATURATED)
        steps = np.minimum(states[0] + np.arange(count + 1, dtype=np.float32), limit)
        ended = np.zeros(count + 1, dtype=np.float32)
        if states[1][0] > 0:
            ended = np.minimum(states[1] + np.arange(count + 1, dtype=np.float32), limit)
        return (np.stack([steps[:-1], ended[:-1]], axis=1),), (steps[-1:], ended[-1:])

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_kernels.h, for one step."""
        return f"edgeeeg_clock({call.inputs[0]}, {call.outputs[0]}, {', '.join(call.states)});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Add, Min and Where, for one step."""
        add, constant = call.builder.add, call.builder.constant
        zero, one, limit = (constant([v]) for v in (0.0, 1.0, SATURATED))
        pair = add("Concat", call.states, axis=0)
        add("Unsqueeze", (pair, constant([0], "int64")), call.outputs[0])
        steps, ended = call.states
        add("Min", (add("Add", (steps, one)), limit), call.next_states[0])
        counted = add("Min", (add("Add", (ended, one)), limit))
        add("Where", (add("Greater", (ended, zero)), counted, zero), call.next_states[1])
