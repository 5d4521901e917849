"""Conv over one to three axes, summed from the bias on in the order of channels, then taps row-major.

y[o, t] = bias[o] + sum_c sum_k weight[o, c, k] x[c, t stride + k dilation - before]
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export.ops.op import (
    CCall,
    Lowered,
    OnnxCall,
    OnnxNode,
    Op,
    Pads,
    Sliding,
    TimeWindow,
    lower_one,
    require,
)
from edgeeeg_export.ops.window import Window
from edgeeeg_export.tensor import BYTES, Array, TensorType

FEW = 1 << 13
"""Products of a call up to which one running sum is faster than a pass over all outputs for each weight."""


@dataclass(frozen=True, slots=True)
class Conv(Sliding):
    """Inputs x (batch, c_in, …), weight (c_out, c_in / groups, …) and, unless absent, bias (c_out,).

    Time may be any of the axes behind the channels: (1, channels, time), (1, channels, electrodes, time).
    Pads are zeros that are multiplied like any other value, so a cache of zero frames equals them exactly.
    """

    strides: tuple[int, ...] = (1,)
    dilations: tuple[int, ...] = (1,)
    groups: int = 1
    pads: tuple[int, ...] = (0, 0)

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """Conv with constant weights."""
        weight = node.constant(1)
        if weight is None:
            raise node.refuse("its weights must be constant")
        node.constant(2)
        window = Window.from_onnx(node, weight.shape[2:])
        return lower_one(cls(window.strides, window.dilations, node.attribute("group", 1), window.pads), node)

    def window(self, weight: tuple[int, ...]) -> Window:
        """What slides over x, for a weight of this shape."""
        return Window(weight[2:], self.strides, self.dilations, self.pads)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """(batch, c_out, outputs per axis)."""
        x, weight = inputs[0], inputs[1]
        rank = len(self.strides)
        require(
            len(x.shape) == len(weight.shape) == rank + 2,
            f"input {x.shape} and weight {weight.shape} do not have {rank} axes behind the channels",
        )
        c_out, c_group = weight.shape[:2]
        require(
            x.shape[1] == c_group * self.groups and c_out % self.groups == 0,
            f"input {x.shape} does not match a weight of {weight.shape} in {self.groups} groups",
        )
        return (self.window(weight.shape).infer(x, c_out),)

    def time_window(self, inputs: tuple[TensorType, ...]) -> TimeWindow | None:
        """Its kernel, where it lies over time."""
        return self.window(inputs[1].shape).over_time(inputs[0], 0.0)

    def over(self, inputs: tuple[TensorType, ...], before: int, after: int) -> Sliding:
        """Other padding of time."""
        return replace(self, pads=self.window(inputs[1].shape).repadded(inputs[0], before, after))

    def with_padding(self, pads: Pads) -> Op | None:
        """A convolution that pads as much more: its own pads are zeros as well."""
        window = Window((1,) * len(self.strides), self.strides, self.dilations, self.pads)
        padded = window.with_padding(pads)
        return None if padded is None else replace(self, pads=padded)

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """Outputs * c_in / groups * taps."""
        return self.infer(inputs)[0].size * (inputs[1].size // inputs[1].shape[0])

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Accumulate over channel and tap in order, all outputs and frames at once."""
        return (self.accumulate(inputs[0], inputs[1], inputs[2] if len(inputs) == 3 else None),), ()

    def accumulate(self, x: Array, weight: Array, bias: Array | None) -> Array:
        """The sums, in the type of x."""
        c_out, c_group = weight.shape[:2]
        window = self.window(weight.shape)
        out = window.out(x.shape[2:])
        per_group, spatial = c_out // self.groups, (1,) * len(out)
        padded = window.pad(x, 0.0)
        if x.shape[0] * c_out * math.prod(out) * weight[0].size <= FEW:
            return self._accumulate_few(window.seen(padded, out), weight, bias)
        grouped = padded.reshape(x.shape[0], self.groups, 1, c_group, *padded.shape[2:])
        factors = weight.reshape(self.groups, per_group, c_group, -1)
        y = np.zeros((x.shape[0], c_out, *out), dtype=x.dtype)
        if bias is not None:
            y[...] = bias.reshape(c_out, *spatial)  # not added to 0, which would lose a bias of -0
        y = y.reshape(x.shape[0], self.groups, per_group, *out)
        for c in range(c_group):
            for k, seen in enumerate(window.taps(grouped[:, :, :, c], out)):
                y += factors[:, :, c, k].reshape(self.groups, per_group, *spatial) * seen
        return y.reshape(x.shape[0], c_out, *out)

    def _accumulate_few(self, seen: Array, weight: Array, bias: Array | None) -> Array:
        """The same sums in the same order by one running sum, which is sequential: for the few of one step.

        `seen` is (batch, channels, outputs per axis, window).
        """
        rank, (batch, c_in), (c_out, terms) = len(self.strides), seen.shape[:2], (len(weight), weight[0].size)
        out, per_group = seen.shape[2 : 2 + rank], c_out // self.groups
        grouped = seen.reshape(batch, self.groups, 1, c_in // self.groups, math.prod(out), -1)
        columns = grouped.transpose(0, 1, 2, 4, 3, 5).reshape(batch, self.groups, 1, -1, terms)
        sums = np.empty((batch, self.groups, per_group, columns.shape[3], terms + 1), dtype=seen.dtype)
        start = 0 if bias is None else bias.reshape(self.groups, per_group, 1)
        sums[..., 0] = start
        np.multiply(columns, weight.reshape(self.groups, per_group, 1, terms), out=sums[..., 1:])
        np.add.accumulate(sums, axis=-1, out=sums)
        return np.ascontiguousarray(sums[..., -1]).reshape(batch, c_out, *out)

    def shrinks_in_place(self, inputs: tuple[TensorType, ...]) -> bool:
        """A mix of channels into no more channels: each frame is read whole before it is written."""
        x, weight = inputs[0], inputs[1]
        return (
            len(x.shape) == 3
            and x.shape[0] == 1
            and weight.shape[2] == 1
            and (self.strides, self.groups, self.pads) == ((1,), 1, (0, 0))
            and weight.shape[0] <= weight.shape[1]
        )

    def scratch(self, inputs: tuple[TensorType, ...]) -> int:
        """A frame of a mix of channels, whose result may overwrite them."""
        return inputs[1].shape[0] * BYTES["float32"] if self.shrinks_in_place(inputs) else 0

    def emit_c(self, call: CCall) -> str:
        """The kernel over time alone where that is all; the one of all axes for everything else."""
        x, weight = call.input_types[0].shape, call.input_types[1].shape
        bias = call.inputs[2] if len(call.inputs) == 3 else "0"
        operands = ", ".join((call.inputs[0], call.inputs[1], bias, call.outputs[0]))
        if self.shrinks_in_place(call.input_types):
            # a frame in the arena; frames side by side, on hosts, on the stack
            block = f"""#if EDGEEEG_LANES > 1
float block[{weight[0]} * EDGEEEG_LANES];
(void){call.scratch};
#else
float *const block = {call.scratch};
#endif"""
            return f"{block}\nedgeeeg_mix({operands}, block, {x[1]}, {weight[0]}, {x[2]});"
        if len(x) == 3 and x[0] == 1 and max(self.pads) <= 0:
            first = call.inputs[0] if self.pads[0] == 0 else f"{call.inputs[0]} + {-self.pads[0]}"
            operands = ", ".join((first, call.inputs[1], bias, call.outputs[0]))
            sizes = (*x[1:], weight[0], call.output_types[0].shape[2], weight[2])
            form = (*self.strides, *self.dilations, self.groups)
            return f"edgeeeg_conv1d({operands}, {', '.join(str(v) for v in (*sizes, *form))});"
        definition = self.window(weight).c_definition(x[2:], call.output_types[0].shape[2:])
        return f"{definition}\nedgeeeg_conv({operands}, &window, {x[0]}, {x[1]}, {weight[0]}, {self.groups});"

    def to_onnx(self, call: OnnxCall) -> None:
        """Conv."""
        x, pads = self.window(call.input_types[1].shape).to_onnx(call)
        call.builder.add(
            "Conv",
            (x, *call.inputs[1:]),
            call.outputs[0],
            strides=list(self.strides),
            dilations=list(self.dilations),
            group=self.groups,
            pads=list(pads),
            kernel_shape=list(call.input_types[1].shape[2:]),
        )
