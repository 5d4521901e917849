"""MaxPool: y[c, t] = max_k x[c, t stride + k dilation - before], each channel apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Sliding, TimeWindow, require
from edgeeeg_export.ops.requantize_onnx import as_float_if_int16
from edgeeeg_export.ops.window import Window
from edgeeeg_export.tensor import SUFFIX, Array, TensorType

LOWEST: Mapping[str, float] = MappingProxyType(
    {"float32": float(np.finfo(np.float32).min), "int8": -128.0, "int16": -32768.0}
)
"""What stands for padding, by type. Finite, so that a saved manifest can hold it: only a window that sees
nothing but padding and -infinity could tell it from ONNX's -infinity."""


@dataclass(frozen=True, slots=True)
class MaxPool(Sliding):
    """Input x (batch, channels, …) of floats or integers; the maximum replaces a value only if greater."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    ceil_mode: bool = False

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """MaxPool without indices."""
        if node.used(1):
            raise node.refuse("it does not return the indices of the maxima; use the maxima alone")
        w = Window.from_onnx(node, tuple(node.attribute("kernel_shape", ())))
        op = cls(w.kernel, w.strides, w.dilations, w.pads, w.ceil_mode)
        return ((op, node.inputs[:1], node.outputs[:1]),)

    @property
    def window(self) -> Window:
        """What slides over x."""
        return Window(self.kernel, self.strides, self.dilations, self.pads, self.ceil_mode)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """(batch, channels, outputs per axis)."""
        (x,) = inputs
        require(len(x.shape) == len(self.kernel) + 2, f"{x.shape} does not match a window of {self.kernel}")
        return (self.window.infer(x, x.shape[1]),)

    def obstacle(self, inputs: tuple[TensorType, ...]) -> str | None:
        """A last output that only the end of a recording has."""
        return self.window.obstacle(inputs[0])

    def time_window(self, inputs: tuple[TensorType, ...]) -> TimeWindow | None:
        """Its kernel, where it lies over time."""
        return self.window.over_time(inputs[0], LOWEST[inputs[0].dtype])

    def over(self, inputs: tuple[TensorType, ...], before: int, after: int) -> Sliding:
        """Other padding of time."""
        return replace(self, pads=self.window.repadded(inputs[0], before, after))

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Compare tap by tap, row-major, from the first on."""
        out = self.window.out(inputs[0].shape[2:])
        taps = self.window.taps(self.window.pad(inputs[0], LOWEST[inputs[0].dtype.name]), out)
        y = next(taps)
        for seen in taps:
            y = np.where(seen > y, seen, y)
        return (np.ascontiguousarray(y),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_window.h."""
        planes = call.input_types[0].shape[0] * call.input_types[0].shape[1]
        shapes = (call.input_types[0].shape[2:], call.output_types[0].shape[2:])
        definition = self.window.c_definition(*shapes)
        kernel = f"edgeeeg_max_pool{SUFFIX[call.input_types[0].dtype]}"
        return f"{definition}\n{kernel}({call.inputs[0]}, {call.outputs[0]}, &window, {planes});"

    def to_onnx(self, call: OnnxCall) -> None:
        """MaxPool."""
        x, pads = self.window.to_onnx(call)

        def pool(operand: str, name: str | None) -> str:
            return call.builder.add(
                "MaxPool",
                (operand,),
                name,
                kernel_shape=list(self.kernel),
                strides=list(self.strides),
                dilations=list(self.dilations),
                pads=list(pads),
                ceil_mode=int(self.ceil_mode),
            )

        as_float_if_int16(call.builder, x, call.input_types[0].dtype, pool, call.outputs[0])
