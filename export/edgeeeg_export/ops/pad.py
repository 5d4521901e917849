"""Pad: x with elements before and after it along its axes; a negative number takes elements away."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export.ops.axis import needs_window
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.loop_nest import element, nest
from edgeeeg_export.ops.op import (
    CCall,
    Lowered,
    OnnxCall,
    OnnxNode,
    Sliding,
    TimeWindow,
    lower_one,
    require,
)
from edgeeeg_export.ops.requantize_onnx import as_float_if_int16
from edgeeeg_export.tensor import Array, TensorType

SOURCES = {
    "constant": "{s}",
    "edge": "{s} < 0 ? 0 : {s} < {n} ? {s} : {n} - 1",
    "reflect": "{s} < 0 ? -{s} : {s} < {n} ? {s} : {last} - {s}",
    "wrap": "({s} + {n}) % {n}",
}
"""Where an element is read along an axis of n elements, in C, when its own place is s."""


@dataclass(frozen=True, slots=True)
class Pad(Sliding):
    """`pads` has elements before and after for every axis; `mode` says what they are, `value` if constant."""

    pads: tuple[tuple[int, int], ...]
    mode: str = "constant"
    value: float = 0.0

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """Pad by constant amounts."""
        amounts, value, axes = node.constant(1), node.constant(2), node.constant(3)
        if amounts is None:
            raise node.refuse("its amounts must be constant")
        mode = node.attribute("mode", "constant")
        if mode not in SOURCES:
            raise node.refuse(f"mode '{mode}' is not supported; use one of {', '.join(SOURCES)}")
        rank = len(node.type(0).shape)
        padded = range(rank) if axes is None else [int(axis) % rank for axis in axes]
        pads = [(0, 0)] * rank
        for k, axis in enumerate(padded):
            pads[axis] = (int(amounts[k]), int(amounts[k + len(amounts) // 2]))
        filling = 0.0 if value is None or value.size == 0 else float(value.reshape(()))
        return lower_one(cls(tuple(pads), mode, filling), node, node.inputs[:1])

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """Every axis longer by what comes before and after."""
        (x,) = inputs
        shape = tuple(n + before + after for n, (before, after) in zip(x.shape, self.pads, strict=True))
        require(min(shape, default=1) > 0, f"nothing is left of {x.shape}")
        reach = {"constant": 2**31, "edge": 2**31, "reflect": -1, "wrap": 0}[self.mode]
        fits = all(max(pair) <= n + reach for n, pair in zip(x.shape, self.pads, strict=True))
        require(fits, f"{self.mode} padding of {x.shape} by {self.pads} reaches past its other end")
        return (TensorType(shape, x.time_axis, x.samples_per_frame, x.dtype),)

    def obstacle(self, inputs: tuple[TensorType, ...]) -> str | None:
        """Padding of time with what lies at its ends."""
        if self.mode == "constant" or self._over_time(inputs[0]) == (0, 0):
            return None
        return needs_window(inputs[0], (inputs[0].time_axis or 0,), "pad with zeros")

    def _over_time(self, x: TensorType) -> tuple[int, int]:
        return (0, 0) if x.time_axis is None else self.pads[x.time_axis]

    def time_window(self, inputs: tuple[TensorType, ...]) -> TimeWindow | None:
        """One frame, moved by what is padded in front."""
        before, after = self._over_time(inputs[0])
        return None if (before, after) == (0, 0) else TimeWindow(1, 1, before, after, self.value)

    def over(self, inputs: tuple[TensorType, ...], before: int, after: int) -> Sliding:
        """Other padding of time."""
        time = inputs[0].time_axis
        return replace(
            self, pads=tuple((before, after) if k == time else pair for k, pair in enumerate(self.pads))
        )

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Take away, then pad."""
        x = inputs[0]
        for axis, (before, after) in enumerate(self.pads):
            x = np.take(x, range(max(-before, 0), x.shape[axis] - max(-after, 0)), axis)
        added = [(max(before, 0), max(after, 0)) for before, after in self.pads]
        if self.mode == "constant":
            return (np.pad(x, added, constant_values=np.float32(self.value)),), ()
        return (np.pad(x, added, mode=self.mode),), ()  # type: ignore[call-overload]

    def view(self, inputs: tuple[TensorType, ...]) -> tuple[int, ...] | None:
        """The same memory where nothing is added or taken, as exporters write a slice of everything."""
        return None if any(pair != (0, 0) for pair in self.pads) else (0,)

    def emit_c(self, call: CCall) -> str:
        """Loops over the output that find the place of every element in the input."""
        x, y = call.input_types[0].shape, call.output_types[0].shape
        strides = [int(np.prod(x[axis + 1 :], dtype=np.int64)) for axis in range(len(x))]
        lines, inside = [], []
        for axis, ((before, after), n) in enumerate(zip(self.pads, x, strict=True)):
            source = SOURCES[self.mode].format(s=f"s{axis}", n=n, last=2 * (n - 1))
            shift = f"- {before}" if before >= 0 else f"+ {-before}"
            lines += [f"const long s{axis} = (long)i{axis} {shift};", f"const long p{axis} = {source};"]
            if self.mode == "constant" and (before > 0 or after > 0):
                inside.append(f"p{axis} >= 0 && p{axis} < {n}")
        value = f"{call.inputs[0]}[{element(strides, 'p')}]"
        if inside:
            value = f"{' && '.join(inside)} ? {value} : {literal(self.value)}"
        return "size_t o = 0;\n" + nest(y, (*lines, f"{call.outputs[0]}[o++] = {value};"))

    def to_onnx(self, call: OnnxCall) -> None:
        """Pad."""
        amounts = [pair[0] for pair in self.pads] + [pair[1] for pair in self.pads]
        operands, dtype = [call.builder.constant(amounts, "int64")], call.input_types[0].dtype
        if self.mode == "constant":
            operands.append(call.builder.constant(self.value, "float32" if dtype == "int16" else dtype))

        def pad(operand: str, name: str | None) -> str:
            return call.builder.add("Pad", (operand, *operands), name, mode=self.mode)

        as_float_if_int16(call.builder, call.inputs[0], dtype, pad, call.outputs[0])
