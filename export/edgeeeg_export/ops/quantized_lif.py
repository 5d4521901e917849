"""QuantizedLif: leaky integrate-and-fire neurons in integers; see `Lif`.

d = saturate(x m);  r = H(mem > T)
subtract:  mem = limit(faded(mem, a) + d - T r)            spike = H(mem > T)
zero:      mem = limit(faded(mem where not r, a) + d)

`faded` multiplies by a decay a in 2^-15 beside an int16 membrane and 2^-30 beside an int32 one, and rounds to
the nearest integer. Without a delay, mem = limit(mem - (spike - r) T) or, for zero, of mem in the place of T.
What `limit` moves is counted.
Source: `edgeeeg.cells.quantized_lif`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeeeg.cells.state_width import SATURATED, WIDTHS, StateWidth, WidthName
from edgeeeg_export import fixed_point
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.cell import Cell
from edgeeeg_export.ops.firing import Firing
from edgeeeg_export.ops.fixed_point_onnx import Int64
from edgeeeg_export.ops.op import CCall, OnnxCall, require
from edgeeeg_export.tensor import Array, State, TensorType


@dataclass(frozen=True, slots=True)
class QuantizedLif(Cell):
    """Inputs x (1, frames, n) of int8 or int16, decay and threshold (n,) of int32; output spikes of int8."""

    window_axes: ClassVar[tuple[int | None, ...]] = (1, None, None)
    operands: ClassVar[tuple[str, ...]] = ("x", "decay", "threshold")
    results: ClassVar[tuple[str, ...]] = ("spikes",)

    multiplier: float
    state: WidthName = "int16"
    reset: str = "subtract"
    reset_delay: bool = True
    fires: str = "above"

    @property
    def firing(self) -> Firing:
        """When its neurons fire and reset."""
        return Firing(self.reset, self.reset_delay, self.fires)

    @property
    def width(self) -> StateWidth:
        """Of its membranes."""
        return WIDTHS[self.state]

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """Spikes for x."""
        x, decay, threshold = inputs
        types = tuple(type_.dtype for type_ in inputs)
        require(
            types in (("int8", "int32", "int32"), ("int16", "int32", "int32")), f"its operands are {types}"
        )
        require(
            len(x.shape) == 3 and x.shape[0] == 1 and x.time_axis == 1,
            f"it expects (1, time, neurons), not {x.shape}",
        )
        for name, type_ in (("decay", decay), ("threshold", threshold)):
            require(type_.shape == x.shape[2:], f"{name} has shape {type_.shape}, expected {x.shape[2:]}")
        return (replace(x, dtype="int8"),)

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """The membrane of each neuron, and how often one was limited."""
        return (
            State("mem", inputs[0].shape[2:], dtype=self.state),
            State(SATURATED, (1,), dtype="int32"),
        )

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """One per neuron and frame."""
        return inputs[0].size

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Frame by frame."""
        x, decay, threshold = inputs[0], inputs[1].astype(np.int64), inputs[2].astype(np.int64)
        width, firing = self.width, self.firing
        drive = fixed_point.requantize(x, np.float32(self.multiplier), width.drive_low, width.drive_high)
        mem, moved = states[0].astype(np.int64), 0
        spikes = np.empty(x.shape, dtype=np.int8)
        for t in range(x.shape[1]):
            reset = firing.passed(mem, threshold)
            start = np.where(reset, 0, mem) if self.reset == "zero" else mem
            charged = fixed_point.faded(start, decay, width) + drive[0, t]
            if self.reset == "subtract":
                charged -= np.where(reset, threshold, 0)
            moved += fixed_point.beyond(charged, width)
            mem = charged = fixed_point.limit(charged, width)
            spike = spikes[0, t] = firing.passed(charged, threshold)
            if firing.at_once:
                by = spike.astype(np.int64) - reset
                kept = charged - by * (threshold if self.reset == "subtract" else charged)
                moved += fixed_point.beyond(kept, width)
                mem = fixed_point.limit(kept, width)
        return (spikes,), (mem.astype(self.state), fixed_point.counted(states[1], moved))

    def emit_c(self, call: CCall) -> str:
        """A loop over the step of edgeeeg_quantized_cells.h."""
        x, decay, threshold = call.inputs
        _, frames, n = call.input_types[0].shape
        drive = f"edgeeeg_drive_{self.state}((float){x}[t * {n} + i] * {literal(self.multiplier)})"
        step = f"edgeeeg_lif_{self.state}({drive}, {decay}[i], {threshold}[i], {call.states[0]} + i,"
        return f"""uint32_t moved = 0;
for (size_t t = 0; t < {frames}; t++) {{
    for (size_t i = 0; i < {n}; i++) {{
        {call.outputs[0]}[t * {n} + i] = (int8_t){step}
            {self.firing.c_flags()}, &moved);
    }}
}}
edgeeeg_count({call.states[1]}, moved);"""

    def step_to_onnx(self, call: OnnxCall) -> None:
        """Mul, Round, Div, Where and Clip, the latter three on int64."""
        make, firing, width = Int64(call.builder), self.firing, self.width
        x, decay, threshold = call.inputs[0], make.of(call.inputs[1]), make.of(call.inputs[2])
        mem = make.of(call.states[0])
        drive = make.requantize(x, self.multiplier, width.drive_low, width.drive_high)
        reset = firing.passed_onnx(call.builder, mem, threshold)
        start = make.op("Where", reset, 0, mem) if self.reset == "zero" else mem
        charged = make.op("Add", make.faded(start, decay, width), drive)
        if self.reset == "subtract":
            charged = make.op("Sub", charged, make.op("Where", reset, threshold, 0))
        free, charged = charged, make.limit(charged, width)
        moved = [(free, charged)]
        spike = firing.passed_onnx(call.builder, charged, threshold)
        make.write(spike, "int8", call.outputs[0])
        kept = charged
        if firing.at_once:
            by = make.op("Sub", make.of(spike), make.of(reset))
            lost = make.op("Mul", by, threshold if self.reset == "subtract" else charged)
            free = make.op("Sub", charged, lost)
            kept = make.limit(free, width)
            moved.append((free, kept))
        make.write(kept, self.state, call.next_states[0])
        make.count(call.states[1], moved, call.next_states[1])
