"""Resize: y[i] = near[i] x[low[i]] + far[i] x[high[i]] along one axis; `nearest` is a Gather of x[low[i]].

Several axes become several operators, one after the other. Where an output lies in x follows ONNX's
coordinate modes: half_pixel, half_pixel_symmetric, pytorch_half_pixel, align_corners, asymmetric.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeeeg_export.ops.axis import AxisWalk, needs_window
from edgeeeg_export.ops.gather import Gather
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, require
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.tensor import Array, TensorType

LONGEST = 2**16
"""The tables of indices are uint16_t."""


@dataclass(frozen=True, slots=True)
class Resize(Op):
    """x and weights (2, outputs), near and far; `low` and `high` index x along `axis`."""

    axis: int
    low: tuple[int, ...]
    high: tuple[int, ...]

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """Resize in mode nearest or linear with constant scales or sizes."""
        mode = node.attribute("mode", "nearest")
        if mode not in ("nearest", "linear"):
            raise node.refuse(f"mode '{mode}' is not supported; use linear or nearest")
        if node.attribute("antialias", 0):
            raise node.refuse("antialias is not supported; put an AveragePool in front of it")
        if node.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise node.refuse("keep_aspect_ratio_policy must be stretch; give the sizes you want")
        x, scales, sizes = node.type(0), node.constant(2), node.constant(3)
        axes = [int(a) % len(x.shape) for a in node.attribute("axes", range(len(x.shape)))]
        given = sizes if sizes is not None and len(sizes) else scales
        if given is None or len(given) != len(axes):
            raise node.refuse(f"it needs constant scales or sizes of its {len(axes)} axes")
        lowered: Lowered = ()
        name = node.inputs[0]
        for axis, value in zip(axes, given, strict=True):
            extent = x.shape[axis]
            scale = float(value) / extent if given is sizes else float(value)
            count = int(value) if given is sizes else int(np.floor(extent * scale))
            if scale == 1.0:
                continue
            at = _coordinates(node, extent, count, scale)
            result = f"{node.outputs[0]}.axis_{axis}"
            lowered += (cls._along(node, axis, extent, at, mode, name, result),)
            name = result
        if not lowered:
            return Reshape.from_identity(node)
        op, operands, _ = lowered[-1]
        return (*lowered[:-1], (op, operands, node.outputs))

    @classmethod
    def _along(
        cls, node: OnnxNode, axis: int, extent: int, at: NDArray[np.float64], mode: str, x: str, y: str
    ) -> tuple[Op, tuple[str, ...], tuple[str, ...]]:
        """The operator for one axis whose outputs lie at these coordinates of x."""

        def inside(index: NDArray[np.float64]) -> tuple[int, ...]:
            return tuple(int(i) for i in np.clip(index, 0, extent - 1))

        if mode == "nearest":
            rounding = {
                "round_prefer_floor": np.ceil(at - 0.5),
                "round_prefer_ceil": np.floor(at + 0.5),
                "floor": np.floor(at),
                "ceil": np.ceil(at),
            }
            places = inside(rounding[node.attribute("nearest_mode", "round_prefer_floor")])
            return Gather(axis, places, (len(places),)), (x,), (y,)
        far = at - np.floor(at)
        weights = node.add_constant(np.stack([1.0 - far, far]), f"weights_{axis}")
        return cls(axis, inside(np.floor(at)), inside(np.floor(at) + 1)), (x, weights), (y,)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The axis as long as the table."""
        x, weights = inputs
        extent = x.shape[self.axis]
        require(
            weights.shape == (2, len(self.low)) and max((*self.low, *self.high)) < extent < LONGEST,
            f"axis {self.axis} of {x.shape} does not match its table of {len(self.low)} neighbours",
        )
        shape = (*x.shape[: self.axis], len(self.low), *x.shape[self.axis + 1 :])
        return (TensorType(shape) if x.time_axis == self.axis else replace(x, shape=shape),)

    def obstacle(self, inputs: tuple[TensorType, ...]) -> str | None:
        """Another number of frames."""
        return needs_window(inputs[0], (self.axis,), "resize other axes, or give time a stride with a Conv")

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """Two per output."""
        return 2 * self.infer(inputs)[0].size

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Weigh two neighbours."""
        x = inputs[0]
        near, far = inputs[1].reshape(2, -1, *(1,) * (x.ndim - 1 - self.axis))
        low, high = np.take(x, self.low, self.axis), np.take(x, self.high, self.axis)
        return (near * low + far * high,), ()

    def emit_c(self, call: CCall) -> str:
        """The kernel of edgeeeg_select.h, with tables of neighbours."""
        walk, n = AxisWalk.along(call.input_types[0].shape, self.axis), len(self.low)
        low, high = (", ".join(str(v) for v in values) for values in (self.low, self.high))
        operands = ", ".join((call.inputs[0], "low", "high", call.inputs[1], call.outputs[0]))
        return (
            f"static const uint16_t low[{n}] = {{{low}}};\n"
            f"static const uint16_t high[{n}] = {{{high}}};\n"
            f"edgeeeg_interpolate({operands}, {walk.arguments}, {n});"
        )

    def to_onnx(self, call: OnnxCall) -> None:
        """Gather, Mul and Add."""
        add, constant, x = call.builder.add, call.builder.constant, call.inputs[0]
        shape = constant([-1] + [1] * (len(call.input_types[0].shape) - 1 - self.axis), "int64")
        weighed = []
        for row, places in enumerate((self.low, self.high)):
            weight = add("Reshape", (add("Gather", (call.inputs[1], constant(row, "int64")), axis=0), shape))
            neighbour = add("Gather", (x, constant(places, "int64")), axis=self.axis)
            weighed.append(add("Mul", (weight, neighbour)))
        add("Add", weighed, call.outputs[0])


def _coordinates(node: OnnxNode, extent: int, count: int, scale: float) -> NDArray[np.float64]:
    """Where outputs 0 … count - 1 lie in an axis of x."""
    i = np.arange(count, dtype=np.float64)
    mode = node.attribute("coordinate_transformation_mode", "half_pixel")
    if mode == "pytorch_half_pixel":
        mode = "half_pixel" if count > 1 else "asymmetric"
    if mode == "half_pixel":
        return (i + 0.5) / scale - 0.5
    if mode == "half_pixel_symmetric":
        return extent / 2 * (1 - count / (scale * extent)) + (i + 0.5) / scale - 0.5
    if mode == "asymmetric":
        return i / scale
    if mode == "align_corners":
        return i * ((extent - 1) / (scale * extent - 1) if count > 1 else 0.0)
    raise node.refuse(f"coordinate mode '{mode}' is not supported; use half_pixel or align_corners")
