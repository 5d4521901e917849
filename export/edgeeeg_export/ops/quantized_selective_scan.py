"""QuantizedSelectiveScan: the diagonal selective state-space recurrence of Mamba in integers.

a = power(floor(max(Δ, 0) K / 2^shift));  h = limit(faded(h, a) + saturate(Δ u B m))
y = saturate(float32(sum_n h C) p + float32(u) q)

`power` is 2^-e of an exponent in 2^-24, by a table with lines between its entries; `faded` multiplies by it
and rounds to the nearest integer. Sums and products are exact.
Source: `edgeeeg.cells.quantized_selective_scan`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeeeg.cells.state_width import RESULTS, SATURATED, WIDTHS, ResultName, StateWidth, WidthName
from edgeeeg_export import fixed_point
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.cell import Cell
from edgeeeg_export.ops.fixed_point_onnx import Int64
from edgeeeg_export.ops.op import CCall, OnnxCall, require
from edgeeeg_export.ops.selective_scan import SelectiveScan
from edgeeeg_export.ops.sequences import frame_blocks
from edgeeeg_export.tensor import BYTES, Array, State, TensorType

MOST_STATES = 1 << 16
"""Of a feature: 2^31 2^15 2^16 fits an int64."""


@dataclass(frozen=True, slots=True)
class QuantizedSelectiveScan(Cell):
    """Inputs u, Δ (1, frames, d), K (d, n), B, C (1, frames, n), q (d,), a table; output (1, frames, d).

    What varies in time is int8 or int16, K int32, q float32, the table (257,) of the state's type.
    """

    window_axes: ClassVar[tuple[int | None, ...]] = (1, 1, None, 1, 1, None, None)
    operands: ClassVar[tuple[str, ...]] = ("u", "delta", "rate", "B", "C", "through", "lost")

    shift: int
    drive: float
    read: float
    state: WidthName = "int16"
    result: ResultName = "int8"

    @property
    def width(self) -> StateWidth:
        """Of its memories."""
        return WIDTHS[self.state]

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of u, in the integers of the result."""
        types = tuple(type_.dtype for type_ in inputs)
        sequences = tuple(types[k] for k in (0, 1, 3, 4))
        require(
            set(sequences) <= {"int8", "int16"}
            and (types[2], *types[5:]) == ("int32", "float32", self.state),
            f"its operands are {types}",
        )
        require(inputs[6].shape == (257,), f"its table is {inputs[6].shape}, expected (257,)")
        (y,) = SelectiveScan().infer(inputs[:6])
        require(inputs[2].shape[1] <= MOST_STATES, f"it has more than {MOST_STATES} states a feature")
        return (replace(y, dtype=self.result),)

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """The hidden state h (d, n), and how often a value of it was limited."""
        return (State("h", inputs[2].shape, dtype=self.state), State(SATURATED, (1,), dtype="int32"))

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """As of floats."""
        return SelectiveScan().macs(inputs[:6])

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Step through the frames; what does not feed back is computed for those of a block at once."""
        u, delta, rate, b, c = (value.astype(np.int64) for value in inputs[:5])
        through, lost, width = inputs[5], inputs[6].astype(np.int64), self.width
        h, moved = states[0].astype(np.int64), 0
        y = np.empty(u.shape, dtype=self.result)
        for block in frame_blocks(u.shape[1], rate.size):
            now = slice(block.start, block.stop)
            exponent = (np.maximum(delta[0, now, :, None], 0) * rate) >> self.shift
            decay = fixed_point.power(exponent, lost, width)
            product = (delta[0, now] * u[0, now])[:, :, None] * b[0, now, None, :]
            hidden = fixed_point.requantize(
                product, np.float32(self.drive), width.drive_low, width.drive_high
            )
            for t in range(len(block)):
                free = fixed_point.faded(h, decay[t], width) + hidden[t]
                moved += fixed_point.beyond(free, width)
                h = hidden[t] = fixed_point.limit(free, width)
            total = (hidden * c[0, now, None, :]).sum(axis=2)
            value = total.astype(np.float32) * np.float32(self.read)
            value += u[0, now].astype(np.float32) * through
            y[0, now] = fixed_point.saturate(value, *RESULTS[self.result])
        return (y,), (h.astype(self.state), fixed_point.counted(states[1], moved))

    def emit_c(self, call: CCall) -> str:
        """A loop over the step of edgeeeg_quantized_cells.h."""
        u, delta, rate, b, c, through, lost = call.inputs
        d, n = call.input_types[2].shape
        widths = [8 * BYTES[type_.dtype] - 1 for type_ in call.input_types]
        product = "int32_t" if widths[0] + widths[1] + widths[3] < 31 else "int64_t"
        bits = 8 * BYTES[self.state] - 1 + widths[4] + (n - 1).bit_length()
        total = "int32_t" if bits < 31 else "int64_t"
        low, high = (literal(float(end)) for end in RESULTS[self.result])
        w = self.state
        return f"""uint32_t moved = 0;
for (size_t t = 0; t < {call.input_types[0].frames}; t++) {{
    for (size_t i = 0; i < {d}; i++) {{
        const {product} amount = ({product}){delta}[t * {d} + i] * {u}[t * {d} + i];
        const int64_t step = {delta}[t * {d} + i] > 0 ? {delta}[t * {d} + i] : 0;
        {total} sum = 0;
        for (size_t n = 0; n < {n}; n++) {{
            const int32_t decay = edgeeeg_power_{w}((step * {rate}[i * {n} + n]) >> {self.shift}, {lost});
            const float drive = (float)(amount * {b}[t * {n} + n]) * {literal(self.drive)};
            const int32_t added = edgeeeg_drive_{w}(drive);
            const {total} h = edgeeeg_scan_{w}({call.states[0]} + i * {n} + n, decay, added, &moved);
            sum += h * {c}[t * {n} + n];
        }}
        const float seen = (float)sum * {literal(self.read)} + (float){u}[t * {d} + i] * {through}[i];
        {call.outputs[0]}[t * {d} + i] = ({self.result}_t)edgeeeg_saturate(seen, {low}, {high});
    }}
}}
edgeeeg_count({call.states[1]}, moved);"""

    def step_to_onnx(self, call: OnnxCall) -> None:
        """Mul, Div and Gather for the decay, Mul, Round and ReduceSum; on int64 but for requantizations."""
        make, width = Int64(call.builder), self.width
        add, constant = call.builder.add, call.builder.constant
        u, delta, rate, b, c = (make.of(name) for name in call.inputs[:5])
        through, lost = call.inputs[5:]
        row, column = constant([0], "int64"), constant([1], "int64")
        ahead = add("Unsqueeze", (make.op("Max", delta, 0), column))
        exponent = make.op("Div", make.op("Mul", ahead, rate), 1 << self.shift)
        decay = make.power(exponent, lost, width)
        amount = add("Unsqueeze", (make.op("Mul", delta, u), column))
        product = make.op("Mul", amount, add("Unsqueeze", (b, row)))
        drive = make.requantize(product, self.drive, width.drive_low, width.drive_high)
        faded = make.faded(make.of(call.states[0]), decay, width)
        free = make.op("Add", faded, drive)
        h = make.limit(free, width)
        make.write(h, self.state, call.next_states[0])
        make.count(call.states[1], [(free, h)], call.next_states[1])
        total = add("ReduceSum", (make.op("Mul", h, add("Unsqueeze", (c, row))), column), keepdims=0)
        seen = add("Add", (make.scaled(total, self.read), make.scaled(u, through)))
        make.write(make.saturate(seen, *RESULTS[self.result]), self.result, call.outputs[0])
