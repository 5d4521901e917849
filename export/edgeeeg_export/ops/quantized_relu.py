"""QuantizedRelu: y = max(x, 0) of integers, exact where x and y have one scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.integer_width import integer_width
from edgeeeg_export.ops.op import CCall, OnnxCall, Op
from edgeeeg_export.ops.requantize_onnx import as_float_if_int16
from edgeeeg_export.tensor import SUFFIX, Array, TensorType


@dataclass(frozen=True, slots=True)
class QuantizedRelu(Op):
    """Input x of any shape, int8 or int16."""

    in_place: ClassVar[bool] = True

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The type of x."""
        integer_width(inputs[0])
        return inputs

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """The larger of x and 0."""
        return (np.maximum(inputs[0], inputs[0].dtype.type(0)),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_quantized.h."""
        (y,) = call.output_types
        return f"edgeeeg_relu{SUFFIX[y.dtype]}({call.inputs[0]}, {call.outputs[0]}, {y.size});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Relu."""
        add, (x,), (y,) = call.builder.add, call.inputs, call.outputs
        dtype = call.input_types[0].dtype
        as_float_if_int16(call.builder, x, dtype, lambda part, name: add("Relu", (part,), name), y)
