"""C loops over several axes, with a stride per axis for every operand."""

from __future__ import annotations

from collections.abc import Sequence


def element(strides: Sequence[int], variable: str = "i") -> str:
    """The C index of an element: loop variables i0, i1, … times their strides."""
    terms = (
        f"{variable}{k}" if stride == 1 else f"{stride} * {variable}{k}"
        for k, stride in enumerate(strides)
        if stride
    )
    return " + ".join(terms) or "0"


def nest(extents: Sequence[int], body: Sequence[str]) -> str:
    """Statements within one loop per extent, i0 outermost."""
    pad = "    "
    heads = [
        f"{pad * k}for (size_t i{k} = 0; i{k} < {extent}; i{k}++) {{" for k, extent in enumerate(extents)
    ]
    inner = [pad * len(extents) + line for line in body]
    return "\n".join((*heads, *inner, *(pad * k + "}" for k in reversed(range(len(extents))))))
