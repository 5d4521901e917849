"""QuantizedWkv4: the attention of RWKV-4, a running mean of values per channel, in integers.

Exponents k, u, w and max are in 2^-fraction of log2 units. With a = max - (u + k), e = power(|a|), and
(p, f) = (1, e) where there was a frame and a > 0, else (e, 1):

y = saturate(float32(faded(num, p) + sat(f v m)) / float32(faded(den, p) + sat(f i)) r)

and then, with a = (max - w) - k:

num = limit(faded(num, p) + sat(f v m));  den = limit(faded(den, p) + sat(f i));  max = max(max - w, k)

Source: `edgeeeg.cells.quantized_wkv4`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeeeg.cells.state_width import (
    EXPONENT_BITS,
    RESULTS,
    SATURATED,
    WIDTHS,
    ResultName,
    StateWidth,
    WidthName,
)
from edgeeeg_export import fixed_point
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.cell import Cell
from edgeeeg_export.ops.fixed_point_onnx import Int64
from edgeeeg_export.ops.op import CCall, OnnxCall, require
from edgeeeg_export.ops.wkv4 import Wkv4
from edgeeeg_export.tensor import Array, State, TensorType


@dataclass(frozen=True, slots=True)
class QuantizedWkv4(Cell):
    """Inputs k, v (1, frames, d) of int8 or int16, w and u (d,) of int32, a table; output (1, frames, d)."""

    window_axes: ClassVar[tuple[int | None, ...]] = (1, 1, None, None, None)
    operands: ClassVar[tuple[str, ...]] = ("k", "v", "w", "u", "lost")

    key: int
    shift: int
    fraction: int
    value: float
    unit: float
    read: float
    state: WidthName = "int16"
    result: ResultName = "int8"

    @property
    def width(self) -> StateWidth:
        """Of its sums."""
        return WIDTHS[self.state]

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of k, in the integers of the result."""
        types = tuple(type_.dtype for type_ in inputs)
        require(
            set(types[:2]) <= {"int8", "int16"} and types[2:] == ("int32", "int32", self.state),
            f"its operands are {types}",
        )
        require(inputs[4].shape == (257,), f"its table is {inputs[4].shape}, expected (257,)")
        (y,) = Wkv4().infer(inputs[:4])
        return (replace(y, dtype=self.result),)

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """Both sums and their exponent per channel; whether there was a frame; how often it was limited."""
        channels = inputs[2].shape
        return (
            State("num", channels, dtype=self.state),
            State("den", channels, dtype=self.state),
            State("max", channels, dtype="int32"),
            State("started", (1,), dtype="int8"),
            State(SATURATED, (1,), dtype="int32"),
        )

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """As of floats."""
        return Wkv4().macs(inputs[:4])

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Step through the frames, all channels at once."""
        keys, values, w, u, lost = (value.astype(np.int64) for value in inputs)
        num, den, top, started = (value.astype(np.int64) for value in states[:4])
        keys = (keys * self.key + ((1 << self.shift) >> 1)) >> self.shift
        y, moved = np.empty(keys.shape, dtype=self.result), 0
        for t in range(keys.shape[1]):
            k, v = keys[0, t], values[0, t]
            above, below, _ = self._weighed(top - (u + k), v, num, den, started, lost)
            ratio = above.astype(np.float32) / below.astype(np.float32)
            y[0, t] = fixed_point.saturate(ratio * np.float32(self.read), *RESULTS[self.result])
            later = top - w
            num, den, leads = self._weighed(later - k, v, num, den, started, lost)
            moved += fixed_point.beyond(num, self.width) + fixed_point.beyond(den, self.width)
            num, den = fixed_point.limit(num, self.width), fixed_point.limit(den, self.width)
            top = np.where(leads, later, k)
            started = np.ones_like(started)
        return (y,), (
            num.astype(self.state),
            den.astype(self.state),
            top.astype(np.int32),
            started.astype(np.int8),
            fixed_point.counted(states[4], moved),
        )

    def _weighed(
        self, ahead: Array, v: Array, num: Array, den: Array, started: Array, lost: Array
    ) -> tuple[Array, Array, Array]:
        """Both sums with the present frame, and where the past leads."""
        width = self.width
        lesser = fixed_point.power(np.abs(ahead) << (EXPONENT_BITS - self.fraction), lost, width)
        leads = (started > 0) & (ahead > 0)
        past, present = np.where(leads, width.one, lesser), np.where(leads, lesser, width.one)
        ends = (width.drive_low, width.drive_high)
        above = fixed_point.requantize(present * v, np.float32(self.value), *ends)
        below = fixed_point.requantize(present, np.float32(self.unit), *ends)
        return (
            fixed_point.faded(num, past, width) + above,
            fixed_point.faded(den, past, width) + below,
            leads,
        )

    def emit_c(self, call: CCall) -> str:
        """A loop over the step of edgeeeg_quantized_cells.h."""
        k, v, w, u, lost = call.inputs
        num, den, top, started, saturated = call.states
        _, frames, d = call.input_types[0].shape
        low, high = (literal(float(end)) for end in RESULTS[self.result])
        half = (1 << self.shift) >> 1
        return f"""static const edgeeeg_wkv4_scales scales = {{
    {EXPONENT_BITS - self.fraction}, {literal(self.value)}, {literal(self.unit)},
}};
uint32_t moved = 0;
for (size_t t = 0; t < {frames}; t++) {{
    for (size_t i = 0; i < {d}; i++) {{
        const int32_t key = (int32_t)(((int64_t){k}[t * {d} + i] * {self.key} + {half}) >> {self.shift});
        const float mean = edgeeeg_wkv4_{self.state}(
            key, {v}[t * {d} + i], {w}[i], {u}[i], {num} + i, {den} + i, {top} + i, {started}[0], {lost},
            &scales, &moved);
        {call.outputs[0]}[t * {d} + i] =
            ({self.result}_t)edgeeeg_saturate(mean * {literal(self.read)}, {low}, {high});
    }}
    {started}[0] = 1;
}}
edgeeeg_count({saturated}, moved);"""

    def step_to_onnx(self, call: OnnxCall) -> None:
        """Sub, Gather and Where for the weights, Mul and Div for the mean; on int64 but to requantize."""
        make, add = Int64(call.builder), call.builder.add
        v, w, u = (make.of(name) for name in call.inputs[1:4])
        top = make.of(call.states[2])
        # of at most 2^15 2^31: above 0 before it is divided
        product = make.op("Add", make.op("Mul", make.of(call.inputs[0]), self.key), (1 << self.shift) >> 1)
        k = make.shifted(product, self.shift, 47)
        above, below, _ = self._weighed_onnx(call, make.op("Sub", top, make.op("Add", u, k)), v)
        ratio = add("Div", (make.as_float(above), make.as_float(below)))
        mean = add("Mul", (ratio, call.builder.constant(self.read)))
        make.write(make.saturate(mean, *RESULTS[self.result]), self.result, call.outputs[0])
        later = make.op("Sub", top, w)
        num, den, leads = self._weighed_onnx(call, make.op("Sub", later, k), v)
        sums = [(free, make.limit(free, self.width)) for free in (num, den)]
        for (_, kept), following in zip(sums, call.next_states[:2], strict=True):
            make.write(kept, self.state, following)
        make.write(make.op("Where", leads, later, k), "int32", call.next_states[2])
        add("Identity", (call.builder.constant([1], "int8"),), call.next_states[3])
        make.count(call.states[4], sums, call.next_states[4])

    def _weighed_onnx(self, call: OnnxCall, ahead: str, v: str) -> tuple[str, str, str]:
        """`_weighed` in standard operators."""
        make, width = Int64(call.builder), self.width
        num, den = (make.of(name) for name in call.states[:2])
        exponent = make.op("Mul", make.op("Abs", ahead), 1 << (EXPONENT_BITS - self.fraction))
        lesser = make.power(exponent, call.inputs[4], width)
        begun = make.op("Greater", make.of(call.states[3]), 0)
        leads = call.builder.add("And", (begun, make.op("Greater", ahead, 0)))
        past, present = make.op("Where", leads, width.one, lesser), make.op("Where", leads, lesser, width.one)
        ends = (width.drive_low, width.drive_high)
        above = make.requantize(make.op("Mul", present, v), self.value, *ends)
        below = make.requantize(present, self.unit, *ends)
        return (
            make.op("Add", make.faded(num, past, width), above),
            make.op("Add", make.faded(den, past, width), below),
            leads,
        )
