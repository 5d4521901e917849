"""AveragePool: y[c, t] = (sum_k x[c, t stride + k dilation - before]) / n, each channel apart.

n counts the taps within x and, with `count_include_pad`, those within the padding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, Pads, Sliding, TimeWindow, require
from edgeeeg_export.ops.window import Window
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class AveragePool(Sliding):
    """Input x (batch, channels, …), one to three axes; summed from +0 in the order of taps, row-major."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    ceil_mode: bool = False
    count_include_pad: bool = False

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """AveragePool."""
        w = Window.from_onnx(node, tuple(node.attribute("kernel_shape", ())))
        counted = bool(node.attribute("count_include_pad", 0))
        op = cls(w.kernel, w.strides, w.dilations, w.pads, w.ceil_mode, counted)
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
        """Ends that divide by fewer frames than the rest."""
        window = self.time_window(inputs)
        if window is not None and max(window.before, window.after) > 0 and not self.count_include_pad:
            return (
                "its first and last outputs divide by fewer frames than the others, so it needs its whole "
                "window; set count_include_pad"
            )
        return self.window.obstacle(inputs[0])

    def time_window(self, inputs: tuple[TensorType, ...]) -> TimeWindow | None:
        """Its kernel, where it lies over time."""
        return self.window.over_time(inputs[0], 0.0)

    def over(self, inputs: tuple[TensorType, ...], before: int, after: int) -> Sliding:
        """Other padding of time."""
        return replace(self, pads=self.window.repadded(inputs[0], before, after))

    def with_padding(self, pads: Pads) -> Op | None:
        """A pool that pads as much more and counts it, unless it has padding that it does not count."""
        padded = self.window.with_padding(pads)
        if padded is None or self.ceil_mode or (any(self.pads) and not self.count_include_pad):
            return None
        return replace(self, pads=padded, count_include_pad=True)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Add tap by tap, and divide by how many were counted."""
        (x,) = inputs
        window, out = self.window, self.window.out(x.shape[2:])
        y = np.zeros((*x.shape[:2], *out), dtype=np.float32)
        for seen in window.taps(window.pad(x, 0.0), out):
            y += seen
        counted = np.ones((1, 1, *x.shape[2:]), dtype=np.float32)
        if self.count_include_pad:
            rank = len(self.kernel)
            padded = np.zeros_like(window.pad(counted, 0.0))  # what only ceil_mode reaches stays 0
            counted, kept = window.cropped(counted)
            padding = [(0, 0), (0, 0), *zip(kept.pads[:rank], kept.pads[rank:], strict=True)]
            ones = np.pad(counted, padding, constant_values=np.float32(1.0))
            counted = padded
            counted[tuple(slice(0, extent) for extent in ones.shape)] = ones
        else:
            counted = window.pad(counted, 0.0)
        count = np.zeros((1, 1, *out), dtype=np.float32)
        for seen in window.taps(counted, out):
            count += seen
        return (np.divide(y, count, dtype=np.float32),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_window.h."""
        planes = call.input_types[0].shape[0] * call.input_types[0].shape[1]
        arguments = f"{call.inputs[0]}, {call.outputs[0]}, &window, {planes}, {int(self.count_include_pad)}"
        shapes = (call.input_types[0].shape[2:], call.output_types[0].shape[2:])
        return f"{self.window.c_definition(*shapes)}\nedgeeeg_average_pool({arguments});"

    def to_onnx(self, call: OnnxCall) -> None:
        """AveragePool."""
        x, pads = self.window.to_onnx(call)
        # ONNX Runtime's own form in integers does not know this attribute, and the fused model is refused
        spread = {} if set(self.dilations) == {1} else {"dilations": list(self.dilations)}
        call.builder.add(
            "AveragePool",
            (x,),
            call.outputs[0],
            kernel_shape=list(self.kernel),
            strides=list(self.strides),
            pads=list(pads),
            ceil_mode=int(self.ceil_mode),
            count_include_pad=int(self.count_include_pad),
            **spread,
        )
