"""Window: what convolutions and pools slide over x, along one to three axes.

Output o of an axis sees the elements o stride + k dilation - before, for k = 0 … kernel - 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export.ops.op import OnnxCall, OnnxNode, Pads, TimeWindow, require
from edgeeeg_export.tensor import Array, TensorType

C_AXES = 3  # axes of an `edgeeeg_window`


@dataclass(frozen=True, slots=True)
class Window:
    """Geometry per axis; `pads` is in ONNX order: before every axis, then after every axis.

    Negative padding leaves elements out, as the window of a stream does with what its cache keeps for others.
    With `ceil_mode` a last output may reach past the padding, as long as it begins within it.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    ceil_mode: bool = False

    @classmethod
    def from_onnx(cls, node: OnnxNode, kernel: tuple[int, ...]) -> Window:
        """The attributes that Conv and the pools share, with `auto_pad` worked out for the shape of x."""
        rank, shape = len(kernel), node.type(0).shape
        if not 1 <= rank <= C_AXES or len(shape) != rank + 2:
            raise node.refuse(
                f"its input {shape} and kernel {kernel} are not (batch, channels, 1 to {C_AXES} axes)"
            )
        ones, none = (1,) * rank, (0,) * (2 * rank)
        window = cls(
            kernel,
            tuple(node.attribute("strides", ones)),
            tuple(node.attribute("dilations", ones)),
            none,
            bool(node.attribute("ceil_mode", 0)),
        )
        automatic = node.attribute("auto_pad", "NOTSET")
        if automatic == "VALID":
            return window
        if automatic == "NOTSET":
            return replace(window, pads=tuple(node.attribute("pads", none)))
        return replace(window, pads=window._same(shape[2:], automatic == "SAME_UPPER"))

    def _same(self, extents: tuple[int, ...], upper: bool) -> tuple[int, ...]:
        """Padding after which an axis has ceil(extent / stride) outputs; an odd element goes to one end."""
        less, more = [], []
        for axis, (extent, stride) in enumerate(zip(extents, self.strides, strict=True)):
            total = max((-(-extent // stride) - 1) * stride + self.reach(axis) - extent, 0)
            less.append(total // 2)
            more.append(total - total // 2)
        return (*less, *more) if upper else (*more, *less)

    def before(self, axis: int) -> int:
        """Padding in front of an axis."""
        return self.pads[axis]

    def after(self, axis: int) -> int:
        """Padding behind an axis."""
        return self.pads[len(self.kernel) + axis]

    def reach(self, axis: int) -> int:
        """Elements from the first to the last that one output sees."""
        return self.dilations[axis] * (self.kernel[axis] - 1) + 1

    def out(self, extents: tuple[int, ...]) -> tuple[int, ...]:
        """Outputs per axis.

        Raises
        ------
        GraphError
            If an axis is shorter than what one output sees.
        """
        counts = []
        for axis, (extent, stride) in enumerate(zip(extents, self.strides, strict=True)):
            room = extent + self.before(axis) + self.after(axis) - self.reach(axis)
            require(
                room >= 0,
                f"{extent} elements of an axis are fewer than the {self.reach(axis)} it sees at once",
            )
            count = room // stride + 1
            if self.ceil_mode and room % stride and count * stride < extent + self.before(axis):
                count += 1
            counts.append(count)
        return tuple(counts)

    def infer(self, x: TensorType, channels: int) -> TensorType:
        """(batch, channels, outputs per axis), its frames further apart by the stride over time."""
        require(
            x.time_axis != 1, "it sums over the time axis, so it needs its whole window; move time behind it"
        )
        samples = x.samples_per_frame
        if x.time_axis is not None and x.time_axis >= 2:
            samples *= self.strides[x.time_axis - 2]
        return TensorType((x.shape[0], channels, *self.out(x.shape[2:])), x.time_axis, samples, x.dtype)

    def obstacle(self, x: TensorType) -> str | None:
        """A last output that only the end of a recording has."""
        window = self.over_time(x, 0.0)
        if window is None or not self.ceil_mode:
            return None
        if (window.before + window.after - window.reach) % window.stride == 0:
            return None
        return "ceil_mode adds a frame at the end of a recording, and a stream has no end; turn ceil_mode off"

    def over_time(self, x: TensorType, padding: float) -> TimeWindow | None:
        """What an output sees of time; None where the window lies over other axes alone."""
        if x.time_axis is None or x.time_axis < 2:
            return None
        axis = x.time_axis - 2
        ends = self.before(axis), self.after(axis)
        if (self.reach(axis), self.strides[axis], *ends) == (1, 1, 0, 0):
            return None
        return TimeWindow(self.reach(axis), self.strides[axis], *ends, padding)

    def repadded(self, x: TensorType, before: int, after: int) -> tuple[int, ...]:
        """Its pads with others along time."""
        if x.time_axis is None:
            raise ValueError("a tensor without time has no padding of time")
        axis, rank = x.time_axis - 2, len(self.kernel)
        pads = list(self.pads)
        pads[axis], pads[rank + axis] = before, after
        return tuple(pads)

    def with_padding(self, pads: Pads) -> tuple[int, ...] | None:
        """Its pads with these around x; None where they are not on its axes, or take elements away."""
        if pads[:2] != ((0, 0), (0, 0)) or min(min(pair) for pair in pads) < 0:
            return None
        before, after = zip(*pads[2:], strict=True)
        return tuple(a + b for a, b in zip(self.pads, (*before, *after), strict=True))

    def pad(self, x: Array, value: float) -> Array:
        """x with its padding, and as much more behind it as `ceil_mode` reaches."""
        x, kept = self.cropped(x)
        if kept is not self:
            return kept.pad(x, value)
        widths = [(0, 0), (0, 0)]
        for axis, (extent, count) in enumerate(zip(x.shape[2:], self.out(x.shape[2:]), strict=True)):
            used = (count - 1) * self.strides[axis] + self.reach(axis)
            widths.append((self.before(axis), max(used - extent - self.before(axis), self.after(axis))))
        if not np.any(widths):
            return x  # as in every step of a stream: half of the time of its NumPy reference would be this
        return np.pad(x, widths, constant_values=np.float32(value))

    def cropped(self, x: Array) -> tuple[Array, Window]:
        """x without what negative padding leaves out, and the window without that padding."""
        if min(self.pads) >= 0:
            return x, self
        kept: list[slice] = [slice(None), slice(None)]
        for axis, extent in enumerate(x.shape[2:]):
            kept.append(slice(max(-self.before(axis), 0), extent - max(-self.after(axis), 0)))
        pads = tuple(max(pad, 0) for pad in self.pads)
        return x[tuple(kept)], replace(self, pads=pads)

    def to_onnx(self, call: OnnxCall) -> tuple[str, tuple[int, ...]]:
        """The name of x without what negative padding leaves out, and the pads that are left."""
        if min(self.pads) >= 0:
            return call.inputs[0], self.pads
        rank, shape, constant = len(self.kernel), call.input_types[0].shape[2:], call.builder.constant
        starts = [max(-self.before(axis), 0) for axis in range(rank)]
        ends = [extent - max(-self.after(axis), 0) for axis, extent in enumerate(shape)]
        bounds = [constant(values, "int64") for values in (starts, ends, [axis + 2 for axis in range(rank)])]
        return call.builder.add("Slice", (call.inputs[0], *bounds)), tuple(max(pad, 0) for pad in self.pads)

    def seen(self, padded: Array, out: tuple[int, ...]) -> Array:
        """What every output sees: (batch, channels, outputs per axis, window), a view of the padded input."""
        spatial = padded.strides[2:]
        apart = tuple(stride * step for stride, step in zip(self.strides, spatial, strict=True))
        within = tuple(dilation * step for dilation, step in zip(self.dilations, spatial, strict=True))
        shape, strides = (*padded.shape[:2], *out, *self.kernel), (*padded.strides[:2], *apart, *within)
        return np.lib.stride_tricks.as_strided(padded, shape, strides, writeable=False)

    def taps(self, padded: Array, out: tuple[int, ...]) -> Iterator[Array]:
        """For every tap, row-major, what all outputs see there: views (…, outputs per axis)."""
        for tap in itertools.product(*(range(k) for k in self.kernel)):
            at: list[slice] = [
                slice(k * dilation, k * dilation + (count - 1) * stride + 1, stride)
                for k, dilation, stride, count in zip(tap, self.dilations, self.strides, out, strict=True)
            ]
            yield padded[(slice(None),) * (padded.ndim - len(at)) + tuple(at)]

    def c_definition(self, x: tuple[int, ...], y: tuple[int, ...]) -> str:
        """The constant `window` of a layer's C for extents x and y: three axes, leading ones of one."""
        rank = len(self.kernel)
        fields = (
            (x, 1),
            (y, 1),
            (self.kernel, 1),
            (self.strides, 1),
            (self.dilations, 1),
            (self.pads[:rank], 0),
            (self.pads[rank:], 0),
        )
        filled = ((neutral,) * (C_AXES - rank) + tuple(values) for values, neutral in fields)
        braces = ", ".join("{" + ", ".join(_size(v) for v in values) + "}" for values in filled)
        return f"static const edgeeeg_window window = {{{braces}}};"


def _size(value: int) -> str:
    """A C size; what is negative wraps, and wraps back when an index is added to it."""
    return str(value) if value >= 0 else f"(size_t)-{-value}"
