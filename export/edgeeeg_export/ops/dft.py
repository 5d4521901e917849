"""Dft: X[k] = Σ_j x[j] e^(-2πi jk / n), summed in the order of j; the inverse has +i and divides by n.

No other normalisation. The last axis of a tensor holds the real part, or the real and the imaginary one. Half
of the bins of real frames whose length is a power of two are computed by `real_fft`; every other transform is
the direct sum, n times bins multiplications.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeeeg_export.ops import real_fft
from edgeeeg_export.ops.axis import AxisWalk, needs_window
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, require
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Dft(Op):
    """x (…, m, …, 1 or 2) and the twiddles (n, 2) give (…, bins, …, 2).

    Elements after the n-th are cut off, and missing ones are zero. `onesided` gives the n // 2 + 1 bins that
    determine the rest of a real signal's.
    """

    axis: int
    onesided: bool = False
    inverse: bool = False

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """DFT with a constant axis (an attribute before opset 20) and length."""
        x, length, axis_input = node.type(0), node.constant(1), node.constant(2)
        rank = len(x.shape)
        if node.opset < 20:
            axis = node.attribute("axis", 1)
        else:
            axis = -2 if axis_input is None else int(axis_input.item())
        n = x.shape[axis] if length is None else int(length.item())
        return cls.lower(
            node,
            node.inputs[0],
            node.outputs[0],
            axis % rank,
            n,
            bool(node.attribute("onesided", 0)),
            bool(node.attribute("inverse", 0)),
        )

    @classmethod
    def lower(
        cls, node: OnnxNode, x: str, y: str, axis: int, n: int, onesided: bool, inverse: bool = False
    ) -> Lowered:
        """The transform of length n of one tensor, with its table of twiddles."""
        if onesided and inverse:
            raise node.refuse("an inverse from half of the bins is not supported; give it all of them")
        angles = (2 if inverse else -2) * np.pi * np.arange(n) / n
        twiddles = node.add_constant(np.stack([np.cos(angles), np.sin(angles)], axis=1), "twiddles")
        return ((cls(axis, onesided, inverse), (x, twiddles), (y,)),)

    def bins(self, n: int) -> int:
        """How many frequencies a transform of length n gives."""
        return n // 2 + 1 if self.onesided else n

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """(…, bins, …, 2)."""
        x, twiddles = inputs
        require(
            x.shape[-1] in (1, 2) and self.axis < len(x.shape) - 1,
            f"the last axis of {x.shape} must hold one real part, or a real and an imaginary one",
        )
        require(not self.onesided or x.shape[-1] == 1, "half of the bins need a real input")
        require(x.time_axis != len(x.shape) - 1, "its real and imaginary parts lie along the time axis")
        bins = self.bins(twiddles.shape[0])
        shape = (*x.shape[: self.axis], bins, *x.shape[self.axis + 1 : -1], 2)
        if x.time_axis is None or x.time_axis == self.axis:
            return (TensorType(shape),)
        return (TensorType(shape, x.time_axis, x.samples_per_frame),)

    def obstacle(self, inputs: tuple[TensorType, ...]) -> str | None:
        """A spectrum of all time."""
        return needs_window(inputs[0], (self.axis,), "take the spectrum of short frames: STFT")

    def is_fast(self, shape: tuple[int, ...], n: int) -> bool:
        """Whether an x of this shape takes the fast transform: whole contiguous frames of a length it has."""
        frames = self.axis == len(shape) - 2 and shape[self.axis :] == (n, 1)
        return self.onesided and frames and real_fft.is_fast(n)

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """Two per bin, element and part of the input, or those of the fast transform."""
        x, n = inputs[0], inputs[1].shape[0]
        if self.is_fast(x.shape, n):
            return x.size // n * real_fft.macs(n)
        return 2 * self.bins(n) * (x.size // x.shape[self.axis]) * min(n, x.shape[self.axis])

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Add element after element to all bins at once; of a complex one, the real part first."""
        x, twiddles = inputs
        n = twiddles.shape[0]
        if self.is_fast(x.shape, n):
            return (real_fft.real_fft(x.reshape(-1, n), twiddles).reshape(*x.shape[:-2], -1, 2),), ()
        moved = np.moveaxis(x, self.axis, 0)
        k = np.arange(self.bins(n))
        y = np.zeros((*moved.shape[1:-1], 2, k.size), dtype=np.float32)
        for j in range(min(n, moved.shape[0])):
            cos, sin = twiddles[k * j % n].T
            real = moved[j, ..., 0, None]
            y[..., 0, :] += real * cos
            y[..., 1, :] += real * sin
            if x.shape[-1] == 2:
                imaginary = moved[j, ..., 1, None]
                y[..., 0, :] -= imaginary * sin
                y[..., 1, :] += imaginary * cos
        if self.inverse:
            y /= np.float32(n)
        return (np.ascontiguousarray(np.moveaxis(y, -1, self.axis)),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_spectrum.h."""
        shape, n = call.input_types[0].shape, call.input_types[1].shape[0]
        if self.is_fast(shape, n):
            pointers = f"{call.inputs[0]}, {call.inputs[1]}, {call.outputs[0]}"
            return f"edgeeeg_real_fft({pointers}, {call.input_types[0].size // n}, {n});"
        walk = AxisWalk.along(shape[:-1], self.axis)
        operands = f"{call.inputs[0]}, {call.inputs[1]}, {call.outputs[0]}, {walk.arguments}"
        return f"edgeeeg_dft({operands}, {shape[-1]}, {n}, {self.bins(n)}, {int(self.inverse)});"

    def to_onnx(self, call: OnnxCall) -> None:
        """DFT."""
        length = call.builder.constant(call.input_types[1].shape[0], "int64")
        axis = call.builder.constant(self.axis, "int64")
        call.builder.add(
            "DFT",
            (call.inputs[0], length, axis),
            call.outputs[0],
            onesided=int(self.onesided),
            inverse=int(self.inverse),
        )
