"""What LSTM, GRU and RNN with matrices of int8 share: sums are exact, gates are float32.

sum = bias + m_x Σ W x + m_h Σ R round(h / h_scale), with W and R of int8, x and round(h) of int8 or int16,
one m_x and m_h per row: the scale of the row times that of what it multiplies. h is carried as it is, so
that what it loses to its matrix is not lost to the next step; or, with `state_scales`, every memory is
rounded to int16 behind each step, and carried so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.integer_width import integer_width, rounded_in_c
from edgeeeg_export.ops.op import CCall, OnnxCall, require
from edgeeeg_export.ops.recurrence import ALL, Memory, Parameters, Recurrence, rows_to_onnx
from edgeeeg_export.ops.requantize_onnx import FLOAT, quantize_to_onnx, sum_to_onnx
from edgeeeg_export.ops.workspace import WorkArray
from edgeeeg_export.tensor import BYTES, Array, DType, State, TensorType

TYPES = ("int8", "int8", "float32", "float32", "float32")


class QuantizedRecurrence(Recurrence):
    """Inputs x, W, R and bias of a `Recurrence`, then m_x and m_h (directions, gates hidden).

    R sees h in steps of `h_scale`, in integers of `width`; `in_integers` makes those the result too.
    `state_scales` has what a step of each memory is worth that is carried in int16, or nothing. Further
    inputs, in the ONNX form alone, are what every step finds of each memory, in the place of its own.
    """

    __slots__ = ()
    operands: ClassVar[int] = 6
    h_scale: float
    in_integers: bool
    width: quantmath.Width
    state_scales: tuple[float, ...]

    @property
    def result(self) -> DType:
        """Integers, or float32."""
        return self.width if self.in_integers else "float32"

    def result_of(self, h: Array) -> Array:
        """h, or its integers."""
        return self._whole(h) if self.in_integers else h

    def _whole(self, h: Array) -> Array:
        """h as its matrix sees it."""
        return quantmath.quantize(h, np.float32(self.h_scale), self.width)

    def c_result(self, h: str) -> str:
        """The same of one element in C."""
        return rounded_in_c(f"{h} / {literal(self.h_scale)}", self.width) if self.in_integers else h

    def result_to_onnx(self, call: OnnxCall, frames: Sequence[str], axis: int) -> None:
        """Concat and, to integers, a rounding."""
        if not self.in_integers:
            Recurrence.result_to_onnx(self, call, frames, axis)
            return
        h, scale = call.builder.add("Concat", frames, axis=axis), call.builder.constant(self.h_scale)
        quantize_to_onnx(call.builder, h, scale, self.width, call.outputs[0])

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """As of floats."""
        integer_width(inputs[0])
        types = tuple(type_.dtype for type_ in inputs[1 : self.operands])
        require(types == TYPES, f"its constants are {types}")
        rows = inputs[2].shape[:2]
        require(
            inputs[4].shape == inputs[5].shape == rows,
            f"its multipliers are {inputs[4].shape} and {inputs[5].shape}; one per row is {rows}",
        )
        return super().infer(inputs[:4])

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """The memories in floats, or in integers."""
        floats = super().states(inputs)
        if not self.state_scales:
            return floats
        return tuple(
            replace(state, dtype="int16", initial=tuple(int(q) for q in np.ravel(self._carried(start, k))))
            for k, (state, start) in enumerate((state, state.start()) for state in floats)
        )

    def _carried(self, memory: Array, k: int) -> Array:
        """A memory in the integers that are carried."""
        return quantmath.quantize(memory, np.float32(self.state_scales[k]), "int16")

    def settled(self, memory: Memory) -> Memory:
        """What the next step finds of the memories."""
        return tuple(self.restored(self.stored(memory)))

    def stored(self, memory: Memory) -> Memory:
        """Memories as the states have them."""
        return tuple(self._carried(m, k) for k, m in enumerate(memory)) if self.state_scales else memory

    def restored(self, states: Memory) -> Memory:
        """Memories of the states."""
        pairs = zip(states, self.state_scales or (None,) * len(states), strict=True)
        return tuple(q if s is None else quantmath.dequantize(q, np.float32(s)) for q, s in pairs)

    def drive(self, x: Array, parameters: Parameters) -> Array:
        """Exact sums over inputs, scaled, onto the bias."""
        weight, _, bias, of_x, _ = parameters
        return bias[: len(weight)] + _exact(x, weight).astype(np.float32) * of_x

    def past(self, start: Array, h: Array, parameters: Parameters, rows: slice = ALL) -> Array:
        """Exact sums over rounded hidden values, scaled, onto `start`."""
        _, recurrent, _, _, of_h = parameters
        return start + _exact(self._whole(h), recurrent[rows]).astype(np.float32) * of_h[rows]

    def c_work(self, hidden: int) -> tuple[WorkArray, ...]:
        """A place for rounded hidden values too."""
        return (*super().c_work(hidden), WorkArray("whole", hidden, self.width))

    @property
    def converts_states(self) -> bool:
        """Whether states are integers; the kernel's memories are floats."""
        return bool(self.state_scales)

    def c_arguments(self, call: CCall) -> tuple[str, ...]:
        """And what one step of those is worth, and the bytes of an x and of those."""
        widths = (BYTES[call.input_types[0].dtype], BYTES[self.width])
        return (*super().c_arguments(call), literal(self.h_scale), *map(str, widths))

    def c_memories(self, call: CCall, own: tuple[str, ...]) -> tuple[str, ...]:
        """Floats beside states of integers."""
        return own if self.state_scales else super().c_memories(call, own)

    def c_restored(self, call: CCall, memory: tuple[str, ...]) -> tuple[str, ...]:
        """Floats of the states."""
        if not (self.state_scales and call.states):
            return ()
        size = _elements(call)
        return tuple(
            f"edgeeeg_dequantize({state}, 2, {name}, {literal(scale)}, {size});"
            for name, state, scale in zip(memory, call.states, self.state_scales, strict=True)
        )

    def c_settled(self, memory: tuple[str, ...], hidden: int) -> tuple[str, ...]:
        """Each memory in whole steps."""
        pairs = zip(memory, self.state_scales or (None,) * len(memory), strict=True)
        return tuple(
            f"edgeeeg_to_whole_steps({name} + b * {hidden}, {literal(scale)}, {hidden});"
            for name, scale in pairs
            if scale is not None
        )

    def c_stored(self, call: CCall, memory: tuple[str, ...]) -> tuple[str, ...]:
        """States of the floats."""
        if not (self.state_scales and call.states):
            return ()
        return tuple(
            f"edgeeeg_quantize({name}, {state}, 2, {literal(scale)}, {_elements(call)});"
            for name, state, scale in zip(memory, call.states, self.state_scales, strict=True)
        )

    def drive_to_onnx(self, call: OnnxCall, x: str, bias: str, weights: Sequence[str]) -> str:
        """MatMulInteger, Cast, Mul, Add."""
        return _sum_to_onnx(call, bias, x, integer_width(call.input_types[0]), weights[0], weights[3])

    def past_to_onnx(
        self, call: OnnxCall, start: str, h: str, weights: Sequence[str], rows: slice = ALL
    ) -> str:
        """A rounding, MatMulInteger, Cast, Mul, Add."""
        whole = quantize_to_onnx(call.builder, h, call.builder.constant(self.h_scale), self.width)
        matrix, of_h = (rows_to_onnx(call, name, rows) for name in (weights[1], weights[4]))
        return _sum_to_onnx(call, start, whole, self.width, matrix, of_h)

    def found_to_onnx(self, call: OnnxCall, memory: Sequence[str], t: int, d: int) -> tuple[str, ...]:
        """What is forced, or what the step before left: two Gathers."""
        forced, add, constant = call.inputs[self.operands :], call.builder.add, call.builder.constant
        if not forced:
            return tuple(memory)
        axes = (0, 0) if self.layout == 0 else (1, 1)
        frames = (add("Gather", (name, constant(t, "int64")), axis=axes[0]) for name in forced)
        return tuple(add("Gather", (frame, constant(d, "int64")), axis=axes[1]) for frame in frames)

    def settled_to_onnx(self, call: OnnxCall, memory: Sequence[str]) -> tuple[str, ...]:
        """What the next step finds of the memories: a rounding, Cast, Mul."""
        if not self.state_scales:
            return tuple(memory)
        return self.restored_to_onnx(call, self.stored_to_onnx(call, memory))

    def stored_to_onnx(self, call: OnnxCall, memory: Sequence[str]) -> tuple[str, ...]:
        """Memories as the states have them: a rounding."""
        if not self.state_scales:
            return tuple(memory)
        builder, pairs = call.builder, zip(memory, self.state_scales, strict=True)
        return tuple(quantize_to_onnx(builder, name, builder.constant(s), "int16") for name, s in pairs)

    def restored_to_onnx(self, call: OnnxCall, states: Sequence[str]) -> tuple[str, ...]:
        """Memories of the states: Cast, Mul."""
        if not self.state_scales:
            return tuple(states)
        add, constant = call.builder.add, call.builder.constant
        pairs = zip(states, self.state_scales, strict=True)
        return tuple(add("Mul", (add("Cast", (q,), to=FLOAT), constant(scale))) for q, scale in pairs)


def _elements(call: CCall) -> int:
    """Elements of a carried memory: batch times hidden."""
    return call.output_types[0].size // call.output_types[0].frames


def _exact(values: Array, weight: Array) -> Array:
    """Σ_k values[..., k] weight[:, k] in int32."""
    total: Array = np.matmul(values.astype(np.int32), weight.astype(np.int32).T)
    return total


def _sum_to_onnx(
    call: OnnxCall, start: str, values: str, width: quantmath.Width, matrix: str, multiplier: str
) -> str:
    add = call.builder.add
    columns = add("Transpose", (matrix,), perm=[1, 0])
    total = sum_to_onnx(call.builder, values, width, lambda part: add("MatMulInteger", (part, columns)))
    return add("Add", (start, add("Mul", (add("Cast", (total,), to=FLOAT), multiplier))))
