"""The shape of every operator that folds some axes of a tensor into one value each."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.axis import needs_window
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.loop_nest import element, nest
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, lower_one
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Reduction(Op):
    """y = finish(fold of f over `axes`), row by row in the tensor's own order.

    A subclass gives the `start` (None: the first element), the step from `acc` and element `v`, and the end,
    in NumPy and C; `$n` is the number of elements.
    """

    axes: tuple[int, ...]
    keepdims: bool = True
    start: ClassVar[float | None] = 0.0
    c_step: ClassVar[str]
    c_end: ClassVar[str] = "acc"

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """Axes as an input or an attribute; all of them when there are none, or as asked, none at all."""
        rank = len(node.type(0).shape)
        given = node.constant(1) if len(node.inputs) > 1 else node.attribute("axes", None)
        if given is None or len(given) == 0:
            if node.attribute("noop_with_empty_axes", 0):
                return cls.without_axes(node)
            given = range(rank)
        axes = tuple(sorted(int(axis) % rank for axis in given))
        return lower_one(cls(axes, bool(node.attribute("keepdims", 1))), node, node.inputs[:1])

    @classmethod
    def without_axes(cls, node: OnnxNode) -> Lowered:
        """Every element folded by itself: over an axis of extent one, put in front."""
        x = node.type(0)
        wide = f"{node.outputs[0]}.wide"
        shape = tuple(-1 if axis == x.time_axis else extent for axis, extent in enumerate(x.shape))
        return (
            (Reshape((1, *shape)), node.inputs[:1], (wide,)),
            (cls((0,), keepdims=False), (wide,), node.outputs),
        )

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The axes of extent one, or gone; what is folded over time does not vary in time."""
        (x,) = inputs
        kept = [axis for axis in range(len(x.shape)) if axis not in self.axes]
        if self.keepdims:
            shape = tuple(1 if axis in self.axes else extent for axis, extent in enumerate(x.shape))
            time_axis = x.time_axis
        else:
            shape = tuple(x.shape[axis] for axis in kept)
            time_axis = kept.index(x.time_axis) if x.time_axis in kept else None
        if x.time_axis is None or x.time_axis in self.axes:
            return (TensorType(shape),)
        return (TensorType(shape, time_axis, x.samples_per_frame),)

    def obstacle(self, inputs: tuple[TensorType, ...]) -> str | None:
        """A fold over time."""
        return needs_window(
            inputs[0], self.axes, "use a recurrent layer, or ExponentialMovingAverage for a running mean"
        )

    @abstractmethod
    def step(self, acc: Array, v: Array) -> Array:
        """One element folded in, as `c_step`."""

    def end(self, acc: Array, n: int) -> Array:
        """The result of the fold, as `c_end`."""
        return acc

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Fold element by element, all results at once."""
        x = inputs[0]
        kept = [axis for axis in range(x.ndim) if axis not in self.axes]
        rows = x.transpose(*kept, *self.axes).reshape(*(x.shape[axis] for axis in kept), -1)
        acc = self.fold(rows)
        shape = tuple(1 if axis in self.axes else extent for axis, extent in enumerate(x.shape))
        return (acc.reshape(shape) if self.keepdims else acc,), ()

    def fold(self, rows: Array) -> Array:
        """Fold the last axis."""
        n = rows.shape[-1]
        acc = rows[..., 0]
        if self.start is not None:
            acc = np.full(rows.shape[:-1], self.start, dtype=np.float32)
        for k in range(n):
            acc = self.step(acc, rows[..., k])
        return self.end(acc, n)

    def emit_c(self, call: CCall) -> str:
        """Loops over the axes that stay, and within them over those that are folded."""
        shape = call.input_types[0].shape
        kept = [axis for axis in range(len(shape)) if axis not in self.axes]
        n = int(np.prod([shape[axis] for axis in self.axes], dtype=np.int64))
        return "size_t o = 0;\n" + nest([shape[axis] for axis in kept], self.c_fold(call, kept, n))

    def c_fold(self, call: CCall, kept: list[int], n: int) -> tuple[str, ...]:
        """The statements that fold one result."""
        x = call.inputs[0]
        first = f"{x}[{self.c_place(call, kept, folded=False)}]"
        start = first if self.start is None else literal(self.start)
        return (
            f"float acc = {start};",
            *self.c_loop(call, kept, f"acc = {self.c_step};"),
            f"{call.outputs[0]}[o++] = {self.c_end.replace('$n', f'{n}.0f')};",
        )

    def c_loop(self, call: CCall, kept: list[int], statement: str) -> tuple[str, ...]:
        """Loops over the folded axes in which `v` is the element."""
        shape, indent = call.input_types[0].shape, "    "
        heads = [
            f"{indent * k}for (size_t j{k} = 0; j{k} < {shape[axis]}; j{k}++) {{"
            for k, axis in enumerate(self.axes)
        ]
        depth = indent * len(heads)
        place = self.c_place(call, kept, folded=True)
        body = (f"{depth}const float v = {call.inputs[0]}[{place}];", f"{depth}{statement}")
        return (*heads, *body, *(indent * k + "}" for k in reversed(range(len(heads)))))

    def c_place(self, call: CCall, kept: list[int], folded: bool) -> str:
        """The C index of an element, or of the first one that is folded."""
        shape = call.input_types[0].shape
        strides = [int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis in range(len(shape))]
        outer = element([strides[axis] for axis in kept])
        if not folded:
            return outer
        inner = element([strides[axis] for axis in self.axes], "j")
        return f"{outer} + {inner}"

    def to_onnx(self, call: OnnxCall) -> None:
        """The standard operator of the same name."""
        axes = call.builder.constant(list(self.axes), "int64")
        call.builder.add(self.kind, (call.inputs[0], axes), call.outputs[0], keepdims=int(self.keepdims))
