"""Conv over time, summed from the bias on in the order of channels, then taps.

y[o, t] = bias[o] + sum_c sum_k weight[o, c, k] x[c, t stride + k dilation - pad]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, lower_one, require
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Conv(Op):
    """One-dimensional convolution over time: x (1, c_in, t), weight (c_out, c_in / groups, k), bias (c_out,).

    `pads` are zeros before the first and after the last frame.
    """

    stride: int = 1
    dilation: int = 1
    groups: int = 1
    pads: tuple[int, int] = (0, 0)

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """Conv with constant weights and one spatial axis."""
        weight = node.constant(1)
        if weight is None:
            raise node.refuse("its weights must be constant")
        if weight.ndim != 3:
            raise node.refuse(
                f"only convolutions over time are supported, and this has {weight.ndim - 2} axes; write "
                "a temporal convolution as Conv1d, and one over electrodes as Linear or Conv1d of width 1"
            )
        if node.attribute("auto_pad", "NOTSET") != "NOTSET":
            raise node.refuse("auto_pad is not supported; give explicit pads")
        node.constant(2)
        pads = node.attribute("pads", (0, 0))
        op = cls(
            node.attribute("strides", (1,))[0],
            node.attribute("dilations", (1,))[0],
            node.attribute("group", 1),
            (pads[0], pads[1]),
        )
        return lower_one(op, node)

    def reach(self, kernel: int) -> int:
        """Frames from the first to the last that one output sees."""
        return self.dilation * (kernel - 1) + 1

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """(1, c_out, frames)."""
        x, weight = inputs[0], inputs[1]
        require(len(x.shape) == 3 and x.shape[0] == 1, f"it expects (1, channels, time), not {x.shape}")
        require(x.time_axis == 2, "its last axis is not time")
        c_out, c_group, kernel = weight.shape
        require(
            x.shape[1] == c_group * self.groups and c_out % self.groups == 0,
            f"input {x.shape} does not match a weight of {weight.shape} in {self.groups} groups",
        )
        frames = (x.shape[2] + sum(self.pads) - self.reach(kernel)) // self.stride + 1
        require(frames >= 1, f"{x.shape[2]} frames are fewer than the {self.reach(kernel)} it sees at once")
        return (TensorType((1, c_out, frames), 2, x.samples_per_frame * self.stride),)

    def obstacle(self, inputs: tuple[TensorType, ...]) -> str | None:
        """Look-ahead: an output that needs frames which come after its hop."""
        x, kernel = inputs[0], inputs[1].shape[2]
        needed = self.reach(kernel) - self.stride
        remedy = f"pad {max(needed, 0)} on the left and none on the right (edgeeeg.layers.CausalConv1d)"
        if self.pads[0] < needed:
            ahead = needed - self.pads[0]
            return (
                f"it pads {self.pads[0]} of the {needed} frames that it needs from the past, so each output "
                f"waits for {ahead} frames ({ahead * x.samples_per_frame} samples) of the future; {remedy}"
            )
        if sum(self.pads) >= needed + self.stride:
            return f"it pads {self.pads[0]} + {self.pads[1]} frames and so makes more than came in; {remedy}"
        return None

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """c_out * frames * c_in / groups * k."""
        return self.infer(inputs)[0].size * inputs[1].shape[1] * inputs[1].shape[2]

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Accumulate over channel and tap in order, all outputs and frames at once."""
        x, weight = inputs[0], inputs[1]
        c_out, c_group, kernel = weight.shape
        x = np.pad(x, ((0, 0), (0, 0), self.pads))
        frames = (x.shape[2] - self.reach(kernel)) // self.stride + 1
        per_group = c_out // self.groups
        grouped = x.reshape(self.groups, 1, c_group, x.shape[2])
        taps = weight.reshape(self.groups, per_group, c_group, kernel)
        bias = inputs[2] if len(inputs) == 3 else np.zeros(c_out, dtype=np.float32)
        y = np.repeat(bias.reshape(self.groups, per_group, 1), frames, axis=2)
        last = (frames - 1) * self.stride + 1
        for c in range(c_group):
            for k in range(kernel):
                start = k * self.dilation
                y += taps[:, :, c, k, None] * grouped[:, :, c, start : start + last : self.stride]
        return (y.reshape(1, c_out, frames),), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_kernels.h."""
        x, weight = call.input_types[0], call.input_types[1]
        c_out, _, kernel = weight.shape
        bias = call.inputs[2] if len(call.inputs) == 3 else "0"
        sizes = (x.shape[1], x.shape[2], c_out, call.output_types[0].shape[2], kernel)
        form = (self.stride, self.dilation, self.groups)
        arguments = ", ".join(str(value) for value in (*sizes, *form))
        return f"edgeeeg_conv1d({call.inputs[0]}, {call.inputs[1]}, {bias}, {call.outputs[0]}, {arguments});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Conv."""
        call.builder.add(
            "Conv",
            call.inputs,
            call.outputs[0],
            strides=[self.stride],
            dilations=[self.dilation],
            group=self.groups,
            pads=list(self.pads),
            kernel_shape=[call.input_types[1].shape[2]],
        )
