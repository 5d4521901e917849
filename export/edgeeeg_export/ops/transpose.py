"""Transpose: the axes of x in another order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeeeg_export.ops.loop_nest import element, nest
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, Pads, lower_one
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Transpose(Op):
    """y's axis i is x's axis perm[i]."""

    perm: tuple[int, ...]

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """Transpose; without `perm` the axes are reversed."""
        rank = len(node.type(0).shape)
        return lower_one(cls(tuple(node.attribute("perm", tuple(reversed(range(rank)))))), node)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """Shape and time axis in the new order."""
        (x,) = inputs
        axis = None if x.time_axis is None else self.perm.index(x.time_axis)
        return (TensorType(tuple(x.shape[i] for i in self.perm), axis, x.samples_per_frame, x.dtype),)

    def padding_behind(self, x: TensorType, pads: Pads) -> Pads | None:
        """The same, in the new order."""
        return tuple(pads[axis] for axis in self.perm)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Reorder."""
        return (np.ascontiguousarray(inputs[0].transpose(self.perm)),), ()

    def view(self, inputs: tuple[TensorType, ...]) -> tuple[int, ...] | None:
        """The same memory, when the axes longer than one keep their order (one frame per hop, mostly)."""
        moved = [axis for axis in self.perm if inputs[0].shape[axis] != 1]
        return (0,) if moved == sorted(moved) else None

    def emit_c(self, call: CCall) -> str:
        """Nested loops over the output, reading with the input's strides."""
        shape = call.input_types[0].shape
        walked = [axis for axis in self.perm if shape[axis] != 1]
        source = element([int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis in walked])
        copy = f"{call.outputs[0]}[o++] = {call.inputs[0]}[{source}];"
        return "size_t o = 0;\n" + nest([shape[axis] for axis in walked], (copy,))

    def to_onnx(self, call: OnnxCall) -> None:
        """Transpose."""
        call.builder.add("Transpose", call.inputs, call.outputs[0], perm=list(self.perm))
