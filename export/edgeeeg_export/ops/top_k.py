"""TopK: the k largest (or smallest) elements along an axis in order, and where they are.

Equal elements keep their order, and NaN comes last. With k as long as the axis it sorts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeeeg_export.ops.axis import AxisWalk, needs_window
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, lower_one, require
from edgeeeg_export.tensor import Array, TensorType

LONGEST = 64
"""Sorting by insertion takes k times n steps: meant for clusters and channels, not for recordings."""


@dataclass(frozen=True, slots=True)
class TopK(Op):
    """x (…, n, …) gives values and indices (…, k, …), the indices as float32 whole numbers."""

    axis: int
    k: int
    largest: bool = True

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """TopK with a constant k; `sorted` or not, the result is in order."""
        k = node.constant(1)
        if k is None:
            raise node.refuse("its k must be constant")
        axis = node.attribute("axis", -1) % len(node.type(0).shape)
        op = cls(axis, int(k.item()), bool(node.attribute("largest", 1)))
        return lower_one(op, node, node.inputs[:1])

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """k elements along the axis, twice."""
        (x,) = inputs
        extent = x.shape[self.axis]
        require(
            extent <= LONGEST,
            f"axis {self.axis} of {x.shape} has more than {LONGEST} elements to sort; pool it first",
        )
        require(1 <= self.k <= extent, f"it takes {self.k} of the {extent} elements of axis {self.axis}")
        shape = (*x.shape[: self.axis], self.k, *x.shape[self.axis + 1 :])
        if x.time_axis is None or x.time_axis == self.axis:
            return TensorType(shape), TensorType(shape)
        return (TensorType(shape, x.time_axis, x.samples_per_frame),) * 2

    def obstacle(self, inputs: tuple[TensorType, ...]) -> str | None:
        """A choice among all frames."""
        return needs_window(inputs[0], (self.axis,), "choose among channels or features of one frame")

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """A stable sort, of which the first k are kept."""
        (x,) = inputs
        order = np.argsort(-x if self.largest else x, axis=self.axis, kind="stable")
        order = np.take(order, range(self.k), axis=self.axis)
        return (np.take_along_axis(x, order, axis=self.axis), order.astype(np.float32)), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_select.h."""
        walk = AxisWalk.along(call.input_types[0].shape, self.axis)
        operands = ", ".join((call.inputs[0], *call.outputs))
        return f"edgeeeg_top_k({operands}, {walk.arguments}, {self.k}, {int(self.largest)});"

    def to_onnx(self, call: OnnxCall) -> None:
        """TopK, with its indices cast to float."""
        k = call.builder.constant([self.k], "int64")
        values, indices = call.builder.add_several(
            "TopK", (call.inputs[0], k), 2, axis=self.axis, largest=int(self.largest), sorted=1
        )
        call.builder.add("Identity", (values,), call.outputs[0])
        call.builder.add("Cast", (indices,), call.outputs[1], to=1)  # 1: float32
