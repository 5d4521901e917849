"""Spiking: what the cells of spiking neurons have in common, among it where spikes are forced on them.

Two operands behind all others, where they are given, hold decisions of a reference in place of the neurons'
own: its spikes of the frame, and which membranes it resets. The verifier compares another target layer by
layer with them. The output stays the neurons' own decision.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from edgeeeg_export.ops.carried_rounding import carried_rounding
from edgeeeg_export.ops.cell import Cell
from edgeeeg_export.ops.firing import FIRES, RESETS, Firing, Flags
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, lower_one, require
from edgeeeg_export.tensor import Array, State, TensorType

FORCED = ("forced_spikes", "forced_reset")
"""What the operands with a reference's decisions are called."""


class Forced(NamedTuple):
    """Decisions of a reference, 0 or 1."""

    spikes: Array  # (1, frames, n)
    reset: Array  # (1, frames, n)


class Frame(NamedTuple):
    """What one frame comes to: the membranes that decide, their thresholds, who was reset, and the states."""

    mem: Array  # (n,)
    threshold: Array  # (n,)
    reset: Flags  # (n,)
    states: tuple[Array, ...]


@dataclass(frozen=True, slots=True)
class Decisions:
    """What neurons decide, frame by frame, and how clearly."""

    spikes: Array  # (1, frames, n)
    reset: Array  # (1, frames, n)
    margins: Array  # (1, frames, n), membrane to threshold beyond rounding, relative to thresholds above 1


def stack(decisions: Sequence[Decisions]) -> Decisions:
    """The decisions of several windows, with an axis of windows in front."""
    return Decisions(
        np.stack([d.spikes for d in decisions]),
        np.stack([d.reset for d in decisions]),
        np.stack([d.margins for d in decisions]),
    )


@dataclass(frozen=True, slots=True)
class Spiking(Cell):
    """Inputs x (1, frames, n) and parameters of each neuron; output spikes (1, frames, n) of 0 and 1."""

    results: ClassVar[tuple[str, ...]] = ("spikes",)
    in_place: ClassVar[bool] = True
    memories: ClassVar[tuple[str, ...]]
    """The states, each (n,)."""
    in_units_of_x: ClassVar[tuple[int, ...]]
    """The operands that scale with x: those, (n,) or a row for each neuron, leave the spikes as they are."""

    reset: str = "subtract"
    reset_delay: bool = True
    fires: str = "above"

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """The custom node of the same name; its attributes are `reset`, `reset_delay` and `fires`."""
        reset, fires = node.attribute("reset", "subtract"), node.attribute("fires", "above")
        for name, value, allowed in (("reset", reset, RESETS), ("fires", fires, FIRES)):
            if value not in allowed:
                raise node.refuse(f"{name}='{value}' is not defined; use one of {', '.join(allowed)}")
        return lower_one(cls(reset, bool(node.attribute("reset_delay", 1)), fires), node)

    @classmethod
    def own_operands(cls) -> int:
        """How many operands come before those that force spikes."""
        return len(cls.operands) - len(FORCED)

    @property
    def firing(self) -> Firing:
        """When its neurons fire and reset."""
        return Firing(self.reset, self.reset_delay, self.fires)

    def parameter_shapes(self, n: int) -> tuple[tuple[int, ...], ...]:
        """The shapes of the operands behind x."""
        return ((n,),) * (self.own_operands() - 1)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of x."""
        own = self.own_operands()
        require(
            len(inputs) in (own, len(self.operands)),
            f"it has {len(inputs)} operands, expected {', '.join(self.operands[:own])}",
        )
        x = inputs[0]
        require(
            len(x.shape) == 3 and x.shape[0] == 1 and x.time_axis == 1,
            f"it expects (1, time, neurons), not {x.shape}",
        )
        expected = self.parameter_shapes(x.shape[2])
        for name, type_, shape in zip(self.operands[1:own], inputs[1:own], expected, strict=True):
            require(type_.shape == shape, f"{name} has shape {type_.shape}, expected {shape}: one per neuron")
        return (x,)

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """What each neuron carries."""
        return tuple(State(name, inputs[0].shape[2:]) for name in self.memories)

    @abstractmethod
    def advance(
        self,
        firing: Firing,
        x: Array,
        parameters: tuple[Array, ...],
        states: tuple[Array, ...],
        forced: tuple[Flags, Flags] | None,
    ) -> Frame:
        """One frame x (n,); `forced` has the spikes and resets (n,) to follow."""

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Frame by frame."""
        frames = self._frames(inputs, states)
        mem, threshold = np.stack([f.mem for f in frames]), np.stack([f.threshold for f in frames])
        spikes = self.firing.passed(mem, threshold).astype(np.float32)[None]
        return (spikes,), frames[-1].states

    def decide(self, inputs: tuple[Array, ...]) -> Decisions:
        """The neurons' decisions from rest, with what a verifier asks of them."""
        rest = np.zeros(inputs[0].shape[2], dtype=np.float32)
        frames = self._frames(inputs, (rest,) * len(self.memories))
        mem, threshold = np.stack([f.mem for f in frames]), np.stack([f.threshold for f in frames])
        spikes = self.firing.passed(mem, threshold)
        operands = dict(zip(self.operands, inputs, strict=False))
        decay = np.maximum(operands["beta"], operands.get("alpha", operands["beta"]))
        cleared = spikes if self.reset == "zero" and "alpha" not in operands else np.zeros_like(spikes)
        carried = carried_rounding(decay, inputs[0][0], mem, cleared)
        return Decisions(
            spikes.astype(np.float32)[None],
            np.stack([f.reset for f in frames]).astype(np.float32)[None],
            # rounding grows with the unit of the threshold
            (np.maximum(np.abs(mem - threshold) - carried, 0.0) / np.maximum(1.0, np.abs(threshold)))[None],
        )

    def _frames(self, inputs: tuple[Array, ...], states: tuple[Array, ...]) -> list[Frame]:
        own, firing = self.own_operands(), self.firing
        x, parameters = inputs[0][0], inputs[1:own]
        forced = tuple(value[0] > np.float32(0.0) for value in inputs[own:])
        frames: list[Frame] = []
        for t in range(len(x)):
            follow = (forced[0][t], forced[1][t]) if forced else None
            frames.append(self.advance(firing, x[t], parameters, states, follow))
            states = frames[-1].states
        return frames

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_spiking.h."""
        _, frames, n = call.input_types[0].shape
        arguments = ", ".join((*call.inputs, *call.states, *call.outputs))
        return f"edgeeeg_{self.kernel()}({arguments}, {frames}, {n}, {self.firing.c_flags()});"

    @abstractmethod
    def kernel(self) -> str:
        """What the kernel is called."""

    def fired_onnx(self, call: OnnxCall, mem: str, threshold: str) -> str:
        """Which neurons fired the frame before: these membranes, or those that are forced."""
        forced = call.inputs[self.own_operands() :]
        if forced:
            return call.builder.add("Greater", (forced[1], call.builder.constant(0.0)))
        return self.firing.passed_onnx(call.builder, mem, threshold)

    def reset_onnx(self, call: OnnxCall, mem: str, threshold: str) -> str:
        """As `fired_onnx`; '' where neurons never reset, so that nothing is computed for it."""
        return "" if self.reset == "none" else self.fired_onnx(call, mem, threshold)

    def spikes_onnx(self, call: OnnxCall, mem: str, threshold: str) -> str:
        """Write the neurons' own spikes and return which neurons they are of."""
        builder = call.builder
        passed = self.firing.passed_onnx(builder, mem, threshold)
        builder.add("Where", (passed, builder.constant(1.0), builder.constant(0.0)), call.outputs[0])
        return passed

    def follow_onnx(self, call: OnnxCall, spike: str) -> str:
        """Which neurons the states take to have fired: their own decision, or the one that is forced."""
        forced = call.inputs[self.own_operands() :]
        return call.builder.add("Greater", (forced[0], call.builder.constant(0.0))) if forced else spike

    def settle_onnx(
        self, call: OnnxCall, mem: str, spike: str, reset: str, threshold: str, name: str
    ) -> None:
        """Write the membranes as they are kept."""
        if self.firing.at_once:
            spike = self.follow_onnx(call, spike)
            self.firing.settle_onnx(call.builder, mem, spike, reset, threshold, name)
        else:
            call.builder.add("Identity", (mem,), name)
