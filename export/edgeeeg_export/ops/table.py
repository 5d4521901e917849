"""Table: any function of one int8, looked up. The integer form of every nonlinearity of int8."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.integer_width import integer_width
from edgeeeg_export.ops.op import CCall, OnnxCall, Op, require
from edgeeeg_export.tensor import BYTES, Array, TensorType


@dataclass(frozen=True, slots=True)
class Table(Op):
    """Inputs x of any shape, int8, and a table (256,) of int8 or int16; y = table[x + 128]."""

    in_place: ClassVar[bool] = True

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The shape of x, the type of the table."""
        x, table = inputs
        require(x.dtype == "int8", f"it looks up int8, not {x.dtype}")
        require(table.shape == (256,), f"its table is {table.shape}; a value for every int8 is (256,)")
        return (replace(x, dtype=integer_width(table)),)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Look up."""
        x, table = inputs
        return (table[x.astype(np.int64) + 128],), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_quantized.h."""
        (y,) = call.output_types
        operands = ", ".join((*call.inputs, call.outputs[0]))
        return f"edgeeeg_table({operands}, {BYTES[y.dtype]}, {y.size});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Cast, Add, Gather."""
        add, constant = call.builder.add, call.builder.constant
        place = add("Add", (add("Cast", (call.inputs[0],), to=6), constant(128, "int32")))
        add("Gather", (call.inputs[1], place), call.outputs[0], axis=0)
