"""InterpolatedTable: a function of one int16, straight between its values at every 256th integer.

y = (256 T[k] + (T[k+1] − T[k]) l + half) / 256, rounded down, with x + 32768 = 256 k + l; for a y of int8, T
is in steps 256 times as fine, and the division is by 65536. `half` is half of the divisor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.ops.op import CCall, OnnxCall, Op, require
from edgeeeg_export.ops.requantize_onnx import FLOAT, INT8, INT16, INT32
from edgeeeg_export.tensor import BYTES, Array, TensorType

NODES = 257


@dataclass(frozen=True, slots=True)
class InterpolatedTable(Op):
    """Inputs x of any shape and a table (257,), both int16; y of type `width`."""

    in_place: ClassVar[bool] = True
    width: quantmath.Width

    @property
    def shift(self) -> int:
        """Binary digits of a sum that lie behind the point."""
        return 16 if self.width == "int8" else 8

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The shape of x."""
        x, table = inputs
        require(x.dtype == table.dtype == "int16", f"its operands are {x.dtype} and {table.dtype}")
        require(table.shape == (NODES,), f"its table is {table.shape}; every 256th integer is ({NODES},)")
        return (replace(x, dtype=self.width),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Look up both neighbours, weigh them, round."""
        x, table = inputs
        place = x.astype(np.int32) + 32768
        left, right = (table[(place >> 8) + side].astype(np.int32) for side in (0, 1))
        value = left * 256 + (right - left) * (place & 255)
        return (((value + (1 << (self.shift - 1))) >> self.shift).astype(self.width),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_quantized.h."""
        operands = ", ".join((*call.inputs, call.outputs[0]))
        return f"edgeeeg_interpolated_table({operands}, {BYTES[self.width]}, {call.output_types[0].size});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Gather of both neighbours; the division in float32, where the sum and its quotient are exact."""
        add, constant = call.builder.add, call.builder.constant
        x, table = (add("Cast", (name,), to=INT32) for name in call.inputs)
        place, base = add("Add", (x, constant(32768, "int32"))), constant(256, "int32")
        k = add("Div", (place, base))
        left = add("Gather", (table, k), axis=0)
        right = add("Gather", (table, add("Add", (k, constant(1, "int32")))), axis=0)
        part = add("Mul", (add("Sub", (right, left)), add("Mod", (place, base))))
        value = add("Add", (add("Mul", (left, base)), part))
        value = add("Add", (value, constant(1 << (self.shift - 1), "int32")))
        scaled = add("Mul", (add("Cast", (value,), to=FLOAT), constant(0.5**self.shift)))
        result = add("Floor", (scaled,))
        add("Cast", (result,), call.outputs[0], to=INT8 if self.width == "int8" else INT16)
