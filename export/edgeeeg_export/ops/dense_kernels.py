"""Kernels of an integer dense layer: runtime/edgeeeg_quantized_layers.h."""

from __future__ import annotations

import numpy as np

from edgeeeg_export.kernels.kernel import Kernel, Operands, Packing
from edgeeeg_export.quantmath import Width
from edgeeeg_export.tensor import SUFFIX, Array


def _transposed(weight: Array) -> Array:
    return np.ascontiguousarray(weight.T)


TRANSPOSED = Packing("_rows", "int8_t", _transposed)
"""A row for each output, whose weights lie one behind the other."""


def _tiles(rows: Array) -> Array:
    """(n, k) in tiles of four rows and four columns, row by row, with zeros to multiples of four."""
    n, k = rows.shape
    whole = np.pad(rows, [(0, -n % 4), (0, -k % 4)])
    return whole.reshape(-(-n // 4), 4, -1, 4).swapaxes(1, 2).reshape(-1)


def _tiles_of_columns(weight: Array) -> Array:
    return _tiles(weight.T)


def _tiles_of_filters(weight: Array) -> Array:
    return _tiles(weight.reshape(len(weight), -1))


TILES = Packing("_tiles", "int8_t", _tiles_of_columns)
"""Four outputs at a time, whose weights lie together."""
TILES_OF_FILTERS = Packing("_tiles", "int8_t", _tiles_of_filters)
"""The same of weights (n, …)."""


def dense_kernels(rows: int, k: int, n: int, widths: tuple[Width, Width]) -> tuple[Kernel, ...]:
    """Of x (rows, k) and weight (k, n), with the widths of x and of the result."""
    return (
        dense_kernel(rows, k, n, widths, TRANSPOSED),
        tiles_kernel(rows, k, n, widths, TILES),
    )


def dense_kernel(
    rows: int, k: int, n: int, widths: tuple[Width, Width], packing: Packing | None = None
) -> Kernel:
    """Sums over each row of weights (n, k)."""
    name = f"edgeeeg_dense{SUFFIX[widths[0]]}{SUFFIX[widths[1]]}"

    def call(operands: Operands, weight: str) -> str:
        return f"{name}({_pointers(operands, weight)}, {rows}, {k}, {n});"

    tiles, rest = divmod(n, 4)
    work = {
        "call": 1,
        "row": rows,
        "tile": rows * tiles,
        "rest": rows * rest,
        "mac": rows * 4 * tiles * k,
        "rest mac": rows * rest * k,
        "odd mac": rows * n * (k % 4),
        "vector": rows * -(-n // 4) * -(-k // 16),
    }
    return Kernel("dense", work, call, n * k, packing)


def tiles_kernel(rows: int, k: int, n: int, widths: tuple[Width, Width], packing: Packing) -> Kernel:
    """Sums over tiles of weights; each row of x is widened first."""
    name = f"edgeeeg_tiles{SUFFIX[widths[0]]}{SUFFIX[widths[1]]}"

    def call(operands: Operands, weight: str) -> str:
        return f"{name}({_pointers(operands, weight)}, {rows}, {k}, {n}, {operands.scratch});"

    tiles, wide = -(-n // 4), k + -k % 4
    work = {
        "call": 1,
        "row": rows,
        "widened": rows * wide,
        "tile": rows * tiles,
        "mac": rows * 4 * tiles * wide,
    }
    return Kernel("tiles", work, call, 4 * tiles * wide, packing, 2 * wide)


def _pointers(operands: Operands, weight: str) -> str:
    x, _, *bias, multiplier = operands.inputs
    return ", ".join((x, weight, *(bias or ["0"]), multiplier, operands.outputs[0]))


def linear_kernels(rows: int, k: int, n: int) -> tuple[Kernel, ...]:
    """Of x (rows, k) and weight (k, n) of floats: the kernel of runtime/edgeeeg_dense.h."""

    def call(operands: Operands, weight: str) -> str:
        x, _, *bias = operands.inputs
        pointers = ", ".join((x, weight, *(bias or ["0"]), operands.outputs[0]))
        return f"edgeeeg_linear({pointers}, {rows}, {k}, {n});"

    tiles, rest = divmod(n, 4)
    work = {
        "row": rows,
        "tile": rows * tiles,
        "rest": rows * rest,
        "mac": rows * 4 * tiles * k,
        "rest mac": rows * rest * k,
    }
    return (Kernel("linear", work, call, k * n),)
