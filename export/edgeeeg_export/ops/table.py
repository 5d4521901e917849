"""Table: any function of one int8, looked up. The integer form of every nonlinearity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.op import CCall, OnnxCall, Op, require
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Table(Op):
    """Inputs x of any shape and a table (256,), both int8; y = table[x + 128]."""

    in_place: ClassVar[bool] = True

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of x."""
        x, table = inputs
        require(x.dtype == table.dtype == "int8", f"it maps int8 to int8, not {x.dtype} to {table.dtype}")
        require(table.shape == (256,), f"its table is {table.shape}; a value for every int8 is (256,)")
        return (x,)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Look up."""
        x, table = inputs
        return (table[x.astype(np.int64) + 128],), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_quantized.h."""
        operands = ", ".join((*call.inputs, call.outputs[0]))
        return f"edgeeeg_table({operands}, {call.output_types[0].size});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Cast, Add, Gather."""
        add, constant = call.builder.add, call.builder.constant
        place = add("Add", (add("Cast", (call.inputs[0],), to=6), constant(128, "int32")))
        add("Gather", (call.inputs[1], place), call.outputs[0], axis=0)
