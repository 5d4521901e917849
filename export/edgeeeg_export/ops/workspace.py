"""Workspace: the arrays that a kernel works in, one behind the other in its scratch memory.

Arrays of a few bytes stay local to the C function, where a compiler may keep them in registers; what is
larger lies in the arena, so that its size is planned and no stack has to be guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeeeg_export.ops.c_literal import literal
from edgeeeg_export.tensor import BYTES, C_TYPE, DType

LOCAL_BYTES = 64
"""The largest array that is left on the stack."""


@dataclass(frozen=True, slots=True)
class WorkArray:
    """One array of a kernel: its name in C, and its elements."""

    name: str
    size: int
    dtype: DType = "float32"

    @property
    def nbytes(self) -> int:
        """Bytes of its elements."""
        return self.size * BYTES[self.dtype]

    @property
    def planned(self) -> int:
        """Bytes of scratch that it takes, in whole floats; none if it is local."""
        return 0 if self.nbytes <= LOCAL_BYTES else -(-self.nbytes // 4) * 4


def planned_bytes(arrays: Sequence[WorkArray]) -> int:
    """Scratch that the arrays take together."""
    return sum(array.planned for array in arrays)


def definitions(arrays: Sequence[WorkArray], scratch: str) -> list[str]:
    """Statements of C that define the arrays, those that are not local from `scratch` (a `float *`) on."""
    lines, at = [], 0
    for array in arrays:
        kind = C_TYPE[array.dtype]
        if not array.planned:
            lines.append(f"{kind} {array.name}[{array.size}];")
            continue
        cast = "" if array.dtype == "float32" else f"({kind} *)"
        lines.append(f"{kind} *{array.name} = {cast}{behind(scratch, at)};")
        at += array.planned
    return lines


def behind(scratch: str, n_bytes: int) -> str:
    """The pointer so many bytes behind the start of some scratch."""
    return f"({scratch} + {n_bytes // 4})" if n_bytes else scratch


def started(array: WorkArray, values: float | Sequence[float]) -> list[str]:
    """Statements that fill an array: with one value, or with those of a table."""
    if isinstance(values, float):
        value, lines = _written(values, array.dtype), []
    else:
        table = ", ".join(_written(each, array.dtype) for each in values)
        kind = "float" if array.dtype == "float32" else f"{array.dtype}_t"
        lines = [f"static const {kind} {array.name}_start[{array.size}] = {{{table}}};"]
        value = f"{array.name}_start[i]"
    return [*lines, f"for (size_t i = 0; i < {array.size}; i++) {{", f"    {array.name}[i] = {value};", "}"]


def _written(value: float, dtype: DType) -> str:
    return literal(value) if dtype == "float32" else str(int(value))
