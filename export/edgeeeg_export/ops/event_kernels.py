"""Kernels of a dense layer behind spikes: runtime/edgeeeg_events.h, above a break-even rate a dense one.

How many spikes a row may have for adding their weights to be the cheaper form follows from the counted costs
of a core. It is a constant of the generated C, which looks for the spikes and decides row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import indent

import numpy as np

from edgeeeg_export.kernels.choice import choose, cost
from edgeeeg_export.kernels.costs import CORE, instructions
from edgeeeg_export.kernels.kernel import FAMILIES, Family, Kernel, Operands, Packing
from edgeeeg_export.tensor import BYTES, SUFFIX, Array, DType

PLACE_BYTES = 4


@dataclass(frozen=True, slots=True)
class Dense:
    """A layer of x (rows, k) and weight (k, n), types of x and result, and its kernels of so many rows."""

    rows: int
    k: int
    n: int
    types: tuple[DType, DType]
    kernels: Callable[[int], Sequence[Kernel]]


@dataclass(frozen=True, slots=True)
class RowOperands:
    """Operands of a kernel of one row."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    scratch: str


def event_kernels(layer: Dense, most: int | None = None) -> tuple[Kernel, ...]:
    """One for each family: events up to its break-even and a dense kernel above it.

    `most` says up to how many spikes a row weights are added; without it that is the break-even.
    """
    return tuple(
        _up_to_break_even(layer, family) if most is None else _for_family(layer, most, family)
        for family in FAMILIES
    )


def _up_to_break_even(layer: Dense, family: Family) -> Kernel:
    """With what its dense kernel would cost."""
    kernel = _for_family(layer, break_even(layer, family), family)
    dense = choose(layer.kernels(layer.rows))[family]
    multiplied = f"{dense.name} {cost(dense, family):,.0f}"
    return replace(kernel, when=f"if silent; {kernel.when}; {multiplied}") if kernel.when else kernel


def break_even(layer: Dense, family: Family) -> int:
    """The most spikes of a row for which adding weights executes no more than the cheapest dense kernel."""
    core, name = CORE[family], _name(layer)
    silent = instructions(name, work(layer, 0), core)
    each = instructions(name, work(layer, 1), core) - silent
    dense = cost(choose(layer.kernels(layer.rows))[family], family)
    return int(np.clip((dense - silent) // each, 0, layer.k))


def work(layer: Dense, fired: int) -> Mapping[str, int]:
    """What is done where `fired` neurons of each row do."""
    tiles, rest = divmod(layer.n, 8)
    return {
        "row": layer.rows,
        "input": layer.rows * layer.k,
        "tile": layer.rows * tiles,
        "rest": layer.rows * rest,
        "event": layer.rows * fired,
        "added": layer.rows * fired * tiles,
        "rest added": layer.rows * fired * rest,
    }


def _name(layer: Dense) -> str:
    return "events" + SUFFIX[layer.types[0]]


def _for_family(layer: Dense, most: int, family: Family) -> Kernel:
    rows, k, n = layer.rows, layer.k, layer.n
    if most < 1:
        return replace(choose(layer.kernels(rows))[family], families=(family,))
    dense = choose(layer.kernels(1))[family] if most < k else None
    integers = layer.types[0] != "float32"
    second = None if dense is None else dense.packing

    def call(operands: Operands, weight: str) -> str:
        x, _, *rest = operands.inputs
        bias = rest[0] if len(rest) > integers else "0"
        scale = f"{rest[-1]}, " if integers else ""
        row, result = f"{x} + r * {k}", f"{operands.outputs[0]} + r * {n}"
        width = BYTES[layer.types[0]]
        kernel = f"edgeeeg_add_rows{SUFFIX[layer.types[1]]}"
        add = f"""const size_t fired = edgeeeg_find_fired({row}, {width}, {k}, {n}, places);
{kernel}(places, fired, {weight}, {bias}, {scale}{result}, {n});"""
        if dense is not None:
            of_row = RowOperands((row, weight, *rest), (result,), operands.scratch)
            multiply = dense.call(of_row, weight if second is None else f"{weight} + {_words(k * n)}")
            add = f"""if (edgeeeg_count_fired({row}, {width}, {k}) <= {most}) {{
{indent(add, "    ")}
}} else {{
{indent(multiply, "    ")}
}}"""
        return f"""edgeeeg_int32 *const places = (edgeeeg_int32 *){operands.scratch};
for (size_t r = 0; r < {rows}; r++) {{
{indent(add, "    ")}
}}"""

    places = PLACE_BYTES * most
    return Kernel(
        _name(layer),
        work(layer, 0),
        call,
        k * n if dense is None or second is None else _words(k * n) + dense.n_weights,
        None if second is None else _behind(second),
        places if dense is None else max(places, dense.scratch),
        (family,),
        f"up to {most} of {k} spikes a row",
    )


def _behind(packing: Packing) -> Packing:
    """Weights as they are, whose rows are added, and behind them those of the dense kernel."""
    return replace(packing, suffix=f"_and{packing.suffix}", pack=_Behind(packing))


@dataclass(frozen=True, slots=True)
class _Behind:
    """Equal for equal packings, as functions made anew are not."""

    packing: Packing

    def __call__(self, weight: Array) -> Array:
        ahead = np.pad(weight.ravel(), (0, _words(weight.size) - weight.size))
        return np.concatenate([ahead, self.packing.pack(weight).ravel()])


def _words(count: int) -> int:
    """Bytes of as many weights, to a whole number of words."""
    return -(-count // 4) * 4
