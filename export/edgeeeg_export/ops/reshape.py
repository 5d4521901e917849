"""Reshape: the same values with other axes before and after time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, Pads, lower_one, require
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Reshape(Op):
    """y of `shape`, in which -1 stands for time; what lies before and after time keeps its order."""

    shape: tuple[int, ...]

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """A constant target shape that keeps time an axis of its own."""
        x, target = node.type(0), node.constant(1)
        if target is None:
            raise node.refuse("its target shape must be constant")
        wanted = [x.shape[i] if extent == 0 else int(extent) for i, extent in enumerate(target)]
        if -1 in wanted:
            wanted[wanted.index(-1)] = x.size // -int(np.prod(wanted, dtype=np.int64))
        return lower_one(cls(_with_time(node, x, tuple(wanted))), node, node.inputs[:1])

    @classmethod
    def from_flatten(cls, node: OnnxNode) -> Lowered:
        """Two axes: the product of those before `axis`, and of the rest."""
        x = node.type(0)
        axis = node.attribute("axis", 1)
        axis += len(x.shape) if axis < 0 else 0
        shape = tuple(int(np.prod(part, dtype=np.int64)) for part in (x.shape[:axis], x.shape[axis:]))
        return lower_one(cls(_with_time(node, x, shape)), node)

    @classmethod
    def from_dropout(cls, node: OnnxNode) -> Lowered:
        """Dropout in evaluation: the input itself."""
        if len(node.inputs) > 2 and np.any(node.constant(2)):
            raise node.refuse("it is in training mode; export the model in eval mode")
        if node.used(1):
            raise node.refuse("its mask is read, and evaluation has none; read its first output only")
        return cls.from_identity(node)

    @classmethod
    def from_identity(cls, node: OnnxNode) -> Lowered:
        """The input itself."""
        x = node.type(0)
        shape = tuple(-1 if axis == x.time_axis else extent for axis, extent in enumerate(x.shape))
        return ((cls(shape), node.inputs[:1], node.outputs[:1]),)

    @classmethod
    def from_squeeze(cls, node: OnnxNode) -> Lowered:
        """Drop axes of extent one."""
        x, axes = node.type(0), node.constant(1)
        rank = len(x.shape)
        dropped = (
            {i for i, extent in enumerate(x.shape) if extent == 1}
            if axes is None
            else {int(a) % rank for a in axes}
        )
        shape = tuple(extent for i, extent in enumerate(x.shape) if i not in dropped)
        return lower_one(cls(_with_time(node, x, shape)), node, node.inputs[:1])

    @classmethod
    def from_unsqueeze(cls, node: OnnxNode) -> Lowered:
        """Insert axes of extent one."""
        x, axes = node.type(0), node.constant(1)
        if axes is None:
            raise node.refuse("its axes must be constant")
        rank = len(x.shape) + len(axes)
        added = {int(a) % rank for a in axes}
        kept = iter(x.shape)
        shape = tuple(1 if i in added else next(kept) for i in range(rank))
        return lower_one(cls(_with_time(node, x, shape)), node, node.inputs[:1])

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The shape with time's extent put in."""
        (x,) = inputs
        require(
            (x.time_axis is None) == (-1 not in self.shape), f"{x.shape} does not fit the shape {self.shape}"
        )
        shape = tuple(x.frames if extent == -1 else extent for extent in self.shape)
        require(int(np.prod(shape, dtype=np.int64)) == x.size, f"{x.shape} does not fit the shape {shape}")
        return (
            TensorType(
                shape, self.shape.index(-1) if -1 in self.shape else None, x.samples_per_frame, x.dtype
            ),
        )

    def padding_behind(self, x: TensorType, pads: Pads) -> Pads | None:
        """Padding of time alone stays padding of time."""
        if (
            any(pair != (0, 0) and axis != x.time_axis for axis, pair in enumerate(pads))
            or x.time_axis is None
        ):
            return None
        return tuple(pads[x.time_axis] if extent == -1 else (0, 0) for extent in self.shape)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Reshape."""
        return (inputs[0].reshape(self.shape),), ()

    def view(self, inputs: tuple[TensorType, ...]) -> tuple[int, ...] | None:
        """Always the same memory."""
        return (0,)

    def emit_c(self, call: CCall) -> str:
        """Copy (only where the planner could not use the memory as it lies)."""
        size = call.output_types[0].size
        return f"for (size_t i = 0; i < {size}; i++) {{\n    {call.outputs[0]}[i] = {call.inputs[0]}[i];\n}}"

    def to_onnx(self, call: OnnxCall) -> None:
        """Reshape."""
        shape = call.builder.constant(list(call.output_types[0].shape), "int64")
        call.builder.add("Reshape", (call.inputs[0], shape), call.outputs[0])


def _with_time(node: OnnxNode, x: TensorType, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with -1 where time goes: the axis of time's extent with as many elements before it."""
    if x.time_axis is None:
        return shape
    before = int(np.prod(x.shape[: x.time_axis], dtype=np.int64))
    for axis, extent in enumerate(shape):
        if extent == x.frames and int(np.prod(shape[:axis], dtype=np.int64)) == before:
            return (*shape[:axis], -1, *shape[axis + 1 :])
    raise node.refuse(
        f"reshaping {x.shape} to {shape} mixes time with another axis, so the layers behind it need a whole "
        "window; keep time an axis of its own (a Conv1d or a Linear per frame does)"
    )
