"""What LSTM, GRU and RNN with matrices of int8 share: sums are exact, gates and carried state are float32.

sum = bias + m_x Σ W x + m_h Σ R round(h / h_scale), with W, R, x of int8 and one m_x and m_h per row: the
scale of the row times that of what it multiplies. h itself is carried as it is, so that what it loses to its
matrix is not lost to the next step. The result is h, or in integers round(h / h_scale): those that R sees.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.ops.op import OnnxCall, require
from edgeeeg_export.ops.recurrence import ALL, Parameters, Recurrence, rows_to_onnx
from edgeeeg_export.tensor import Array, DType, TensorType

TYPES = ("int8", "int8", "int8", "float32", "float32", "float32")


class QuantizedRecurrence(Recurrence):
    """Inputs x, W, R and bias of a `Recurrence`, then m_x and m_h (directions, gates hidden)."""

    __slots__ = ()
    h_scale: float
    in_integers: bool

    @property
    def result(self) -> DType:
        """int8 or float32."""
        return "int8" if self.in_integers else "float32"

    def result_of(self, h: Array) -> Array:
        """h, or its integers."""
        return quantmath.quantize(h, np.float32(self.h_scale)) if self.in_integers else h

    def c_result(self, h: str) -> str:
        """The same of one element in C."""
        if not self.in_integers:
            return h
        return f"(int8_t)edgeeeg_saturate({h} / {literal(self.h_scale)}, -128.0f, 127.0f)"

    def result_to_onnx(self, call: OnnxCall, frames: Sequence[str], axis: int) -> None:
        """Concat and, to integers, QuantizeLinear."""
        if not self.in_integers:
            Recurrence.result_to_onnx(self, call, frames, axis)
            return
        add, constant = call.builder.add, call.builder.constant
        h = add("Concat", frames, axis=axis)
        add("QuantizeLinear", (h, constant(self.h_scale), constant(0, "int8")), call.outputs[0])

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """As of floats."""
        types = tuple(type_.dtype for type_ in inputs)
        require(types == TYPES, f"its operands are {types}")
        rows = inputs[2].shape[:2]
        require(
            inputs[4].shape == inputs[5].shape == rows,
            f"its multipliers are {inputs[4].shape} and {inputs[5].shape}; one per row is {rows}",
        )
        return super().infer(inputs[:4])

    def drive(self, x: Array, parameters: Parameters) -> Array:
        """Exact sums over inputs, scaled, onto the bias."""
        weight, _, bias, of_x, _ = parameters
        return bias[: len(weight)] + _exact(x, weight).astype(np.float32) * of_x

    def past(self, start: Array, h: Array, parameters: Parameters, rows: slice = ALL) -> Array:
        """Exact sums over rounded hidden values, scaled, onto `start`."""
        _, recurrent, _, _, of_h = parameters
        whole = quantmath.quantize(h, np.float32(self.h_scale))
        return start + _exact(whole, recurrent[rows]).astype(np.float32) * of_h[rows]

    def c_scratch(self, hidden: int) -> dict[str, str]:
        """A place for rounded hidden values too."""
        return super().c_scratch(hidden) | {"whole": f"int8_t whole[{hidden}];"}

    def c_arguments(self) -> tuple[str, ...]:
        """And what one step of those is worth."""
        return (*super().c_arguments(), literal(self.h_scale))

    def drive_to_onnx(self, call: OnnxCall, x: str, bias: str, weights: Sequence[str]) -> str:
        """MatMulInteger, Cast, Mul, Add."""
        return _sum_to_onnx(call, bias, x, weights[0], weights[3])

    def past_to_onnx(
        self, call: OnnxCall, start: str, h: str, weights: Sequence[str], rows: slice = ALL
    ) -> str:
        """QuantizeLinear, MatMulInteger, Cast, Mul, Add."""
        constant = call.builder.constant
        whole = call.builder.add("QuantizeLinear", (h, constant(self.h_scale), constant(0, "int8")))
        matrix, of_h = (rows_to_onnx(call, name, rows) for name in (weights[1], weights[4]))
        return _sum_to_onnx(call, start, whole, matrix, of_h)


def _exact(values: Array, weight: Array) -> Array:
    """Σ_k values[..., k] weight[:, k] in int32."""
    total: Array = np.matmul(values.astype(np.int32), weight.astype(np.int32).T)
    return total


def _sum_to_onnx(call: OnnxCall, start: str, values: str, matrix: str, multiplier: str) -> str:
    add = call.builder.add
    total = add("MatMulInteger", (values, add("Transpose", (matrix,), perm=[1, 0])))
    return add("Add", (start, add("Mul", (add("Cast", (total,), to=1), multiplier))))
