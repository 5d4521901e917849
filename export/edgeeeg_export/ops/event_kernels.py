"""Kernels of a dense layer behind spikes: runtime/edgeeeg_events.h, above a break-even rate the dense one.

How many spikes a row may have for adding their weights to be the cheaper form follows from the counted costs
of a core. It is a constant of the generated C, which looks for the spikes and decides row by row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeeeg_export.kernels.costs import CORE, instructions
from edgeeeg_export.kernels.kernel import FAMILIES, Family, Kernel, Operands, Packing
from edgeeeg_export.tensor import BYTES, SUFFIX, Array, DType

PLACE_BYTES = 4


def _both(weight: Array) -> Array:
    """The rows of a matrix, and behind them its columns."""
    return np.concatenate([weight.ravel(), weight.T.ravel()])


BOTH = Packing("_both", "int8_t", _both)
"""For events, which add rows, and for the dense form, which multiplies columns."""


def event_kernels(
    dense: Kernel, rows: int, k: int, n: int, types: tuple[DType, DType], most: int | None = None
) -> tuple[Kernel, ...]:
    """One for each family: events up to its break-even, or the dense kernel where that is no spike at all.

    Parameters
    ----------
    dense : the dense kernel of all rows.
    rows, k, n : of x and weight.
    types : of x and of the result.
    most : spikes of a row up to which weights are added; without it the break-even of each family.
    """
    return tuple(
        _for_family(
            dense,
            (rows, k, n),
            types,
            break_even(dense, rows, k, n, types[0], family) if most is None else most,
            family,
        )
        for family in FAMILIES
    )


def break_even(dense: Kernel, rows: int, k: int, n: int, x: DType, family: Family) -> int:
    """The most spikes of k for which adding rows executes no more instructions than the dense form."""
    core, name = CORE[family], _name(x)
    silent = instructions(name, work(rows, k, n, 0), core)
    each = instructions(name, work(rows, k, n, 1), core) - silent
    return int(np.clip((instructions(dense.name, dense.work, core) - silent) // each, 0, k))


def _name(x: DType) -> str:
    return "events" + SUFFIX[x]


def work(rows: int, k: int, n: int, fired: int) -> Mapping[str, int]:
    """What is done where `fired` neurons of each row do."""
    tiles = -(-n // 8)
    return {
        "call": 1,
        "row": rows,
        "input": rows * k,
        "tile": rows * tiles,
        "output": rows * n,
        "event": rows * fired,
        "added": rows * fired * tiles,
    }


def _for_family(
    dense: Kernel, sizes: tuple[int, int, int], types: tuple[DType, DType], most: int, family: Family
) -> Kernel:
    rows, k, n = sizes
    if most < 1:
        return replace(dense, families=(family,))
    integers = types[0] != "float32"
    both = integers and most < k
    width, y_type = BYTES[types[0]], SUFFIX[types[1]]

    def call(operands: Operands, weight: str) -> str:
        x, _, *rest = operands.inputs
        bias = rest[0] if len(rest) > integers else "0"
        scale = f"{rest[-1]}, " if integers else ""
        row, result = f"{x} + r * {k}", f"{operands.outputs[0]} + r * {n}"
        add = f"edgeeeg_add_rows{y_type}(places, fired, {weight}, {bias}, {scale}{result}, {n});"
        if most < k:
            columns = f"{weight} + {k * n}" if both else weight
            name = f"edgeeeg_dense{SUFFIX[types[0]]}{y_type}" if integers else "edgeeeg_linear"
            multiply = f"{name}({row}, {columns}, {bias}, {scale}{result}, 1, {k}, {n});"
            add = f"if (fired <= {most}) {{\n        {add}\n    }} else {{\n        {multiply}\n    }}"
        return f"""edgeeeg_int32 *const places = (edgeeeg_int32 *){operands.scratch};
for (size_t r = 0; r < {rows}; r++) {{
    const size_t fired = edgeeeg_find_fired({row}, {width}, {k}, {most}, {n}, places);
    {add}
}}"""

    packing, weights = (BOTH, 2 * k * n) if both else (None, k * n)
    least = work(rows, k, n, 0)
    when = f"up to {most} of {k} spikes a row"
    return Kernel(_name(types[0]), least, call, weights, packing, PLACE_BYTES * most, (family,), when)
