"""QuantizedRelu: y = max(x, 0) of integers, exact where x and y have one scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.op import CCall, OnnxCall, Op, require
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class QuantizedRelu(Op):
    """Input x of any shape, int8."""

    in_place: ClassVar[bool] = True

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of x."""
        require(inputs[0].dtype == "int8", f"it takes int8, not {inputs[0].dtype}")
        return inputs

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """The larger of x and 0."""
        return (np.maximum(inputs[0], np.int8(0)),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_quantized.h."""
        return f"edgeeeg_relu_int8({call.inputs[0]}, {call.outputs[0]}, {call.output_types[0].size});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Relu."""
        call.builder.add("Relu", call.inputs, call.outputs[0])
