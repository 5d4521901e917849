"""Slice: a range of one axis of x, every step-th element of it, backwards for a negative step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, require
from edgeeeg_export.ops.pad import Pad
from edgeeeg_export.tensor import C_TYPE, Array, TensorType


@dataclass(frozen=True, slots=True)
class Slice(Op):
    """y = x[..., start:stop:step, ...] along `axis`, which is not time; backwards, `stop` may be -1."""

    axis: int
    start: int
    stop: int
    step: int = 1

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """Slice with constant bounds; several axes become several operators.

        Time has no fixed last frame, so frames left out at its ends are padding taken away.
        """
        shape = node.type(0).shape
        starts, stops, axes, steps = (node.constant(index) for index in range(1, 5))
        if starts is None or stops is None:
            raise node.refuse("Slice needs constant bounds")
        chosen = range(len(starts)) if axes is None else axes
        steps = np.ones_like(starts) if steps is None else steps
        lowered: list[tuple[Op, tuple[str, ...], tuple[str, ...]]] = []
        source, time = node.inputs[0], node.type(0).time_axis
        for k, (name, start, stop) in enumerate(zip(chosen, starts, stops, strict=True)):
            axis, extent = int(name) % len(shape), shape[name]
            low, high, step = slice(int(start), int(stop), int(steps[k])).indices(extent)
            target = node.outputs[0] if k == len(starts) - 1 else f"{node.outputs[0]}.{k}"
            op: Op = cls(axis, low, high, step)
            # an end that is named is a place in the window; one that is open, or counted from it, is not
            if axis == time and start >= 0 and step == 1 and (stop < 0 or stop > extent):
                cut = (-low, high - extent)
                op = Pad(tuple(cut if i == axis else (0, 0) for i in range(len(shape))))
            lowered.append((op, (source,), (target,)))
            source = target
        return tuple(lowered)

    @classmethod
    def from_split(cls, node: OnnxNode) -> Lowered:
        """Split: one slice per output."""
        shape = node.type(0).shape
        axis = node.attribute("axis", 0) % len(shape)
        sizes = node.constant(1)
        if sizes is None:
            even = -(-shape[axis] // len(node.outputs))
            sizes = np.diff([*range(0, shape[axis], even), shape[axis]])
        ends = np.cumsum(sizes)
        return tuple(
            (cls(axis, int(end - size), int(end)), node.inputs[:1], (name,))
            for name, size, end in zip(node.outputs, sizes, ends, strict=True)
        )

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The axis shortened to what is taken."""
        (x,) = inputs
        require(self.axis != x.time_axis, "it cuts the time axis; a stream has no fixed first or last frame")
        extent, taken = x.shape[self.axis], range(self.start, self.stop, self.step)
        inside = bool(taken) and min(taken) >= 0 and max(taken) < extent
        require(inside, f"range outside {x.shape}, or empty")
        shape = (*x.shape[: self.axis], len(taken), *x.shape[self.axis + 1 :])
        return (replace(x, shape=shape),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Cut."""
        index = (slice(None),) * self.axis + (
            slice(self.start, self.stop if self.stop >= 0 else None, self.step),
        )
        return (inputs[0][index],), ()

    def view(self, inputs: tuple[TensorType, ...]) -> tuple[int, ...] | None:
        """A range of the input's memory, when nothing longer than one lies outside the axis."""
        shape = inputs[0].shape
        if self.step != 1 or any(extent != 1 for extent in shape[: self.axis]):
            return None
        return (self.start * int(np.prod(shape[self.axis + 1 :], dtype=np.int64)),)

    def emit_c(self, call: CCall) -> str:
        """Copy the range of each outer row."""
        shape = call.input_types[0].shape
        inner = int(np.prod(shape[self.axis + 1 :], dtype=np.int64))
        outer = int(np.prod(shape[: self.axis], dtype=np.int64))
        if self.step != 1:
            taken = len(range(self.start, self.stop, self.step))
            block = f"{call.inputs[0]} + r * {shape[self.axis] * inner}"
            place = f"({self.start} + {self.step} * (long)k) * {inner}"
            return (
                f"for (size_t r = 0; r < {outer}; r++) {{\n"
                f"    for (size_t k = 0; k < {taken}; k++) {{\n"
                f"        const {C_TYPE[call.input_types[0].dtype]} *from = {block} + {place};\n"
                f"        for (size_t i = 0; i < {inner}; i++) {{\n"
                f"            {call.outputs[0]}[(r * {taken} + k) * {inner} + i] = from[i];\n"
                "        }\n    }\n}"
            )
        kept, row = (self.stop - self.start) * inner, shape[self.axis] * inner
        source = f"{call.inputs[0]}[{row} * r + {self.start * inner} + i]"
        return (
            f"for (size_t r = 0; r < {outer}; r++) {{\n"
            f"    for (size_t i = 0; i < {kept}; i++) {{\n"
            f"        {call.outputs[0]}[{kept} * r + i] = {source};\n"
            "    }\n}"
        )

    def to_onnx(self, call: OnnxCall) -> None:
        """Slice."""
        stop = self.stop if self.stop >= 0 else np.iinfo(np.int64).min  # -1 would count from the end
        values = (self.start, stop, self.axis, self.step)
        bounds = [call.builder.constant([value], "int64") for value in values]
        call.builder.add("Slice", (*call.inputs, *bounds), call.outputs[0])
