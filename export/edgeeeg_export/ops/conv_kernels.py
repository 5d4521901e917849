"""Kernels of an integer convolution: runtime/edgeeeg_quantized_layers.h."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from edgeeeg_export.kernels.kernel import TAP, Kernel, Operands, Packing
from edgeeeg_export.ops.dense_kernels import TILES_OF_FILTERS, dense_kernel, tiles_kernel
from edgeeeg_export.ops.window import Window
from edgeeeg_export.quantmath import Width
from edgeeeg_export.tensor import SUFFIX, Array

SCRATCH_BYTES = 1024
"""What rows or columns may take: beyond it outputs are made in blocks."""
VECTOR, FEW_TAPS = 16, 6
"""Products of one instruction of Helium, and taps of a row from which on it is worth one."""
LEAST_BLOCK = 8
"""Outputs of a block, however long their rows are."""


def _rows_of_taps(weight: Array) -> Array:
    """(c_out, …, kernel) with zeros to a multiple of four."""
    return np.pad(weight, [(0, 0)] * (weight.ndim - 1) + [(0, -weight.shape[-1] % 4)])


def _columns(weight: Array) -> Array:
    """(c_out, channels and taps) with zeros to a multiple of four."""
    flat = weight.reshape(len(weight), -1)
    return np.pad(flat, [(0, 0), (0, -flat.shape[1] % 4)])


ROWS = Packing("_taps", TAP, _rows_of_taps)
COLUMNS = Packing("_columns", TAP, _columns)


@dataclass(frozen=True, slots=True)
class ConvShape:
    """A convolution's window, its channels, and the widths of x and of the result."""

    window: Window
    x: tuple[int, ...]
    weight: tuple[int, ...]
    groups: int
    widths: tuple[Width, Width]

    @property
    def out(self) -> tuple[int, ...]:
        """Outputs per axis."""
        return self.window.out(self.x[2:])

    @property
    def lines(self) -> int:
        """Rows along the last axis that one output sees."""
        return prod(self.weight[1:-1])

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self.outputs * prod(self.weight[1:])

    @property
    def outputs(self) -> int:
        """Elements of the result."""
        return self.x[0] * self.weight[0] * prod(self.out)

    @property
    def per_group(self) -> int:
        """Outputs that see the same input."""
        return self.weight[0] // self.groups


def conv_kernels(
    window: Window, x: tuple[int, ...], weight: tuple[int, ...], groups: int, widths: tuple[Width, Width]
) -> tuple[Kernel, ...]:
    """What can compute a convolution of x (batch, c_in, …) with weight (c_out, c_in / groups, …)."""
    shape = ConvShape(window, x, weight, groups, widths)
    kernels = [_any_window(shape), _columns_of(shape)]
    if window.dilations[-1] == 1 or weight[-1] == 1:
        kernels.append(_slide(shape))
    if _sums_lines(shape):
        kernels.append(_across(shape))
    if _sees_all(shape):
        rows, k, n = x[0], prod(x[1:]), weight[0]
        kernels.append(dense_kernel(rows, k, n, widths))
        kernels.append(tiles_kernel(rows, k, n, widths, TILES_OF_FILTERS))
    return tuple(kernels)


def _any_window(shape: ConvShape) -> Kernel:
    """The reference, for every shape."""
    lines = shape.outputs * shape.lines
    work = {"call": 1, "output": shape.outputs, "line": lines, "mac": shape.macs}
    return Kernel("window", work, _windowed(shape, "window"), prod(shape.weight))


def _slide(shape: ConvShape) -> Kernel:
    """Rows padded and widened, then outputs along them."""
    kernel, stride, length = shape.weight[-1], shape.window.strides[-1], shape.out[-1]
    taps = kernel + -kernel % 4

    def pitch_of(outputs: int) -> int:
        return (outputs + -outputs % 4) * stride + taps

    block = _block(length, lambda n: 2 * shape.lines * pitch_of(n))
    pitch, rows = pitch_of(block), shape.lines
    lines = _lines_at_once(shape, 2 * pitch) if block == length else 1
    if lines > 1:
        block, rows = lines * length, _rows_of(shape, lines)
    blocks = shape.x[0] * shape.groups * -(-prod(shape.out[:-1]) // lines) * -(-length // block)
    fours = shape.outputs // length * _fours(length, block)
    work = {
        "call": 1,
        "row": blocks * rows,
        "widened": blocks * rows * pitch,
        "filter": blocks * shape.per_group * lines,
        "output": 4 * fours,
        "line": 4 * fours * shape.lines,
        "mac" if stride == 1 else "strided": 4 * fours * shape.lines * taps,
        # of families that make no more outputs than there are, one way or another
        "made": shape.outputs,
        "made mac": shape.outputs * shape.lines * taps,
    } | _vectors(shape)
    scratch, n_weights = 2 * rows * pitch, shape.weight[0] * shape.lines * taps
    return Kernel("slide", work, _windowed(shape, "slide", block), n_weights, ROWS, scratch)


def _vectors(shape: ConvShape) -> dict[str, int]:
    """What Helium does: few taps go along sixteen or four outputs, many are products of one or more rows."""
    kernel, length = shape.weight[-1], shape.out[-1]
    if kernel < FEW_TAPS:
        along = VECTOR if length >= VECTOR and shape.window.strides[-1] == 1 else 4
        blocks = shape.outputs // length * -(-length // along)
        lines = blocks * shape.lines
        return {f"{along} along": blocks, f"{along} line": lines, f"{along} tap": lines * kernel}
    depth, lines = "long" if shape.lines == 1 else "deep", shape.outputs * shape.lines
    return {f"{depth} line": lines, f"{depth} vector": lines * -(-kernel // VECTOR)}


def _rows_of(shape: ConvShape, lines: int) -> int:
    """Rows that some lines of outputs see together."""
    return shape.window.kernel[-2] + (lines - 1) * shape.window.strides[-2]


def _lines_at_once(shape: ConvShape, row_bytes: int) -> int:
    """Lines of outputs made from shared rows: where they see one channel of two axes, all that fit."""
    window = shape.window
    if len(window.kernel) != 2 or shape.weight[1] > 1 or window.dilations[0] > 1:
        return 1
    lines = shape.out[0]
    while lines > 1 and _rows_of(shape, lines) * row_bytes > SCRATCH_BYTES:
        lines = lines // 2 + lines % 2
    return lines


def _columns_of(shape: ConvShape) -> Kernel:
    """What each output sees, widened into a column, then sums of columns."""
    seen = prod(shape.weight[1:])
    pitch = seen + -seen % 4
    positions = prod(shape.out)
    block = _block(positions, lambda n: 2 * (n + -n % 4) * pitch)
    groups = shape.x[0] * shape.groups
    fours = groups * _fours(positions, block)
    work = {
        "call": 1,
        "filter": groups * shape.per_group * -(-positions // block),
        "widened" if _sees_lines(shape) else "gathered": groups * positions * seen,
        "run": groups * -(-positions // block) * seen,
        "line": groups * positions * shape.lines,
        "tap line": groups * prod(shape.out[:-1]) * seen,
        "output": 4 * fours * shape.per_group,
        "mac": 4 * fours * shape.per_group * pitch,
        "made": shape.outputs,
        "made mac": shape.macs,
        "vector": shape.outputs * -(-seen // VECTOR),
    }
    call, n_weights = _windowed(shape, "columns", block), shape.weight[0] * pitch
    return Kernel("columns", work, call, n_weights, COLUMNS, 2 * (block + -block % 4) * pitch)


def _across(shape: ConvShape) -> Kernel:
    """Sums of whole lines."""
    lines, length = shape.lines, shape.x[-1]
    work = {
        "call": 1,
        "filter": shape.x[0] * shape.weight[0],
        "output": shape.outputs,
        "mac": shape.macs,
    }
    name = _name("across", shape)

    def call(operands: Operands, weight: str) -> str:
        pointers, channels = _pointers(operands, weight), _channels(shape)
        return f"{channels}\n{name}({pointers}, &channels, {lines}, {length});"

    return Kernel("across", work, call, prod(shape.weight))


def _sums_lines(shape: ConvShape) -> bool:
    """Whether an output is a sum of elements that lie above each other, of all lines of its channels."""
    window, rank = shape.window, len(shape.window.kernel)
    ahead = range(rank - 1)
    whole = all(window.kernel[a] == shape.x[2 + a] and window.dilations[a] == 1 for a in ahead)
    return window.kernel[-1] == 1 and window.strides[-1] == 1 and not any(window.pads) and whole


def _sees_lines(shape: ConvShape) -> bool:
    """Whether neighbouring outputs see neighbouring elements, one of each line: as edgeeeg_sees_lines."""
    window, steps = shape.window, False
    for axis, extent in enumerate(shape.x[2:]):
        if window.kernel[axis] == 1 and window.strides[axis] == 1:
            steps |= extent > 1
        elif steps or shape.out[axis] > 1 or window.kernel[axis] != extent:
            return False
    return not any(window.pads)


def _sees_all(shape: ConvShape) -> bool:
    """Whether there is one output, of all of x."""
    window = shape.window
    plain = not any(window.pads) and all(d == 1 for d in window.dilations)
    return shape.groups == 1 and plain and window.kernel == shape.x[2:]


def _block(outputs: int, scratch: Callable[[int], int]) -> int:
    """How many outputs are made at a time."""
    block = outputs
    while block > LEAST_BLOCK and scratch(block) > SCRATCH_BYTES:
        block = max(LEAST_BLOCK, block // 2 + block % 2)
    return min(block + -block % 4, outputs)


def _fours(outputs: int, block: int) -> int:
    """How often four outputs are made at a time, of blocks of them."""
    return sum(-(-min(block, outputs - first) // 4) for first in range(0, outputs, block))


def _windowed(shape: ConvShape, kernel: str, block: int = 0) -> Callable[[Operands, str], str]:
    """The call of a kernel that takes a window."""
    name = _name(kernel, shape)

    def call(operands: Operands, weight: str) -> str:
        definitions = f"{shape.window.c_definition(shape.x[2:], shape.out)}\n{_channels(shape)}"
        extra = f", {block}, {operands.scratch}" if block else ""
        return f"{definitions}\n{name}({_pointers(operands, weight)}, &window, &channels{extra});"

    return call


def _name(kernel: str, shape: ConvShape) -> str:
    return f"edgeeeg_{kernel}{SUFFIX[shape.widths[0]]}{SUFFIX[shape.widths[1]]}"


def _pointers(operands: Operands, weight: str) -> str:
    x, _, *bias, multiplier = operands.inputs
    return ", ".join((x, weight, *(bias or ["0"]), multiplier, operands.outputs[0]))


def _channels(shape: ConvShape) -> str:
    """The constant `channels` of a layer's C."""
    sizes = (shape.x[0], shape.x[1], shape.weight[0], shape.groups)
    return f"static const edgeeeg_channels channels = {{{', '.join(map(str, sizes))}}};"
