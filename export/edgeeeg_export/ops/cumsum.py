"""CumSum: y[k] = x[0] + … + x[k] along an axis, from 0 on; over time the sum so far is carried as state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeeeg_export.ops.axis import AxisWalk
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, lower_one
from edgeeeg_export.tensor import Array, State, TensorType


@dataclass(frozen=True, slots=True)
class CumSum(Op):
    """Sums along `axis`, from its end with `reverse`, without the element itself with `exclusive`."""

    axis: int
    exclusive: bool = False
    reverse: bool = False

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """CumSum along a constant axis."""
        axis = node.constant(1)
        if axis is None:
            raise node.refuse("its axis must be constant")
        index = int(axis.reshape(())) % len(node.type(0).shape)
        op = cls(index, bool(node.attribute("exclusive", 0)), bool(node.attribute("reverse", 0)))
        return lower_one(op, node, node.inputs[:1])

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of the input."""
        return inputs

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """Over time, the sum of all frames so far."""
        (x,) = inputs
        if x.time_axis != self.axis or self.reverse:
            return ()
        return (State("sum", (*x.shape[: self.axis], 1, *x.shape[self.axis + 1 :])),)

    def obstacle(self, inputs: tuple[TensorType, ...]) -> str | None:
        """A sum of what comes after."""
        if self.reverse and inputs[0].time_axis == self.axis:
            return "it sums from the end of the recording; sum from its start (reverse=0)"
        return None

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Add along the axis in order."""
        x = np.flip(inputs[0], self.axis) if self.reverse else inputs[0]
        total = states[0] if states else np.zeros_like(np.take(x, [0], self.axis))
        sums = []
        for k in range(x.shape[self.axis]):
            before, total = total, total + np.take(x, [k], self.axis)
            sums.append(before if self.exclusive else total)
        y = np.concatenate(sums, axis=self.axis)
        return (np.flip(y, self.axis) if self.reverse else y,), (total,) if states else ()

    def emit_c(self, call: CCall) -> str:
        """A running sum within each row."""
        walk = AxisWalk.along(call.input_types[0].shape, self.axis)
        place = f"row + {f'({walk.extent - 1} - k)' if self.reverse else 'k'} * {walk.inner}"
        add = f"sum += {call.inputs[0]}[at];"
        put = f"{call.outputs[0]}[at] = sum;"
        first, second = (put, add) if self.exclusive else (add, put)
        state = f"{call.states[0]}[o * {walk.inner} + i]" if call.states else ""
        kept = f"        {state} = sum;\n" if state else ""
        return (
            f"for (size_t o = 0; o < {walk.outer}; o++) {{\n"
            f"    for (size_t i = 0; i < {walk.inner}; i++) {{\n"
            f"        const size_t row = o * {walk.extent * walk.inner} + i;\n"
            f"        float sum = {state or '0.0f'};\n"
            f"        for (size_t k = 0; k < {walk.extent}; k++) {{\n"
            f"            const size_t at = {place};\n"
            f"            {first}\n"
            f"            {second}\n"
            "        }\n"
            f"{kept}"
            "    }\n}"
        )

    def to_onnx(self, call: OnnxCall) -> None:
        """CumSum, with the carried sum added before, and its new value the old plus that of the frames."""
        axis = call.builder.constant(self.axis, "int64")
        sums = call.builder.add(
            "CumSum",
            (call.inputs[0], axis),
            None if call.states else call.outputs[0],
            exclusive=int(self.exclusive),
            reverse=int(self.reverse),
        )
        if not call.states:
            return
        call.builder.add("Add", (call.states[0], sums), call.outputs[0])
        axes = call.builder.constant([self.axis], "int64")
        frames = call.builder.add("ReduceSum", (call.inputs[0], axes), keepdims=1)
        call.builder.add("Add", (call.states[0], frames), call.next_states[0])
