"""Expand and Tile: x repeated along its axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.op import Lowered, OnnxCall, OnnxNode, lower_one
from edgeeeg_export.ops.pointwise import Broadcast
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Expand(Broadcast):
    """y = x broadcast against `shape`, in which time is 1."""

    in_place: ClassVar[bool] = False
    operands: ClassVar[tuple[str, ...]] = ("a",)
    c_expression: ClassVar[str] = "a"
    shape: tuple[int, ...]

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """Expand to a constant shape."""
        target = node.constant(1)
        if target is None:
            raise node.refuse("its target shape must be constant")
        x = node.type(0)
        shape = [int(extent) for extent in target]
        axis = None if x.time_axis is None else x.time_axis - len(x.shape)
        if axis is not None and len(shape) >= -axis and shape[axis] == x.frames:
            shape[axis] = 1  # any number of frames
        return lower_one(cls(tuple(shape)), node, node.inputs[:1])

    @classmethod
    def from_tile(cls, node: OnnxNode) -> Lowered:
        """Tile: every axis split in two, the first of which repeats."""
        x, repeats = node.type(0), node.constant(1)
        if repeats is None:
            raise node.refuse("its repeats must be constant")
        if x.time_axis is not None and repeats[x.time_axis] != 1:
            raise node.refuse("it repeats time, which a stream cannot; repeat channels or features")
        split, wide = f"{node.outputs[0]}.split", f"{node.outputs[0]}.wide"
        extents = tuple(-1 if axis == x.time_axis else extent for axis, extent in enumerate(x.shape))
        pairs = tuple(value for extent in extents for value in (1, extent))
        copies = tuple(value for repeat in repeats for value in (int(repeat), 1))
        joined = tuple(e if e == -1 else e * int(r) for e, r in zip(extents, repeats, strict=True))
        return (
            (Reshape(pairs), node.inputs[:1], (split,)),
            (cls(copies), (split,), (wide,)),
            (Reshape(joined), (wide,), node.outputs),
        )

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The broadcast type."""
        return super(Expand, self).infer((*inputs, TensorType(self.shape)))

    def apply(self, operands: tuple[Array, ...]) -> Array:
        """Repeat."""
        (x,) = operands
        return np.broadcast_to(x, np.broadcast_shapes(x.shape, self.shape)).copy()

    def to_onnx(self, call: OnnxCall) -> None:
        """Expand."""
        shape = call.builder.constant(list(self.shape), "int64")
        call.builder.add("Expand", (call.inputs[0], shape), call.outputs[0])
