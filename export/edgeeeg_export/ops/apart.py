"""Apart: windows that lie on the axis of the batch move to a new leading axis, one left where they were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeeeg_export.ops.op import CCall, OnnxCall, Op, require
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Apart(Op):
    """x (…, windows, …) becomes (windows, …, 1, …); the same memory for one window."""

    axis: int

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """An axis more, in front."""
        (x,) = inputs
        require(x.time_axis == self.axis, f"{x.shape} has no windows on axis {self.axis}")
        single = tuple(1 if axis == self.axis else extent for axis, extent in enumerate(x.shape))
        return (TensorType((x.shape[self.axis], *single), 0, x.samples_per_frame, x.dtype),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Move the axis."""
        moved = np.moveaxis(inputs[0], self.axis, 0)
        return (np.ascontiguousarray(np.expand_dims(moved, self.axis + 1)),), ()

    def view(self, inputs: tuple[TensorType, ...]) -> tuple[int, ...] | None:
        """The same memory: a step has one window."""
        return (0,) if inputs[0].shape[self.axis] == 1 else None

    def emit_c(self, call: CCall) -> str:
        """Copy (only where the planner could not use the memory as it lies)."""
        size = call.output_types[0].size
        return f"for (size_t i = 0; i < {size}; i++) {{\n    {call.outputs[0]}[i] = {call.inputs[0]}[i];\n}}"

    def to_onnx(self, call: OnnxCall) -> None:
        """Reshape: a step has one window."""
        shape = call.builder.constant(list(call.output_types[0].shape), "int64")
        call.builder.add("Reshape", (call.inputs[0], shape), call.outputs[0])
