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


def dense_kernels(rows: int, k: int, n: int, widths: tuple[Width, Width]) -> tuple[Kernel, ...]:
    """Of x (rows, k) and weight (k, n), with the widths of x and of the result."""
    return (dense_kernel(rows, k, n, widths, TRANSPOSED),)


def dense_kernel(
    rows: int, k: int, n: int, widths: tuple[Width, Width], packing: Packing | None = None
) -> Kernel:
    """Sums over each row of weights (n, k)."""
    name = f"edgeeeg_dense{SUFFIX[widths[0]]}{SUFFIX[widths[1]]}"

    def call(operands: Operands, weight: str) -> str:
        x, _, *bias, multiplier = operands.inputs
        pointers = ", ".join((x, weight, *(bias or ["0"]), multiplier, operands.outputs[0]))
        return f"{name}({pointers}, {rows}, {k}, {n});"

    work = {"call": 1, "row": rows, "tile": rows * -(-n // 4), "output": rows * n, "mac": rows * n * k}
    return Kernel("dense", work, call, n * k, packing)
