"""One axis of a tensor among the others: what C kernels along an axis need to know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeeeg_export.tensor import TensorType


@dataclass(frozen=True, slots=True)
class AxisWalk:
    """`outer` blocks of `extent` elements that lie `inner` apart."""

    outer: int
    extent: int
    inner: int

    @classmethod
    def along(cls, shape: tuple[int, ...], axis: int) -> AxisWalk:
        """The walk along an axis, counted from 0."""
        before, after = shape[:axis], shape[axis + 1 :]
        return cls(int(np.prod(before, dtype=np.int64)), shape[axis], int(np.prod(after, dtype=np.int64)))

    @property
    def arguments(self) -> str:
        """The sizes as C arguments."""
        return f"{self.outer}, {self.extent}, {self.inner}"


def needs_window(x: TensorType, axes: tuple[int, ...], remedy: str) -> str | None:
    """The obstacle of an operator that looks at every element of `axes`, if time is one of them."""
    if x.time_axis not in axes:
        return None
    return f"it looks along the time axis of {x.shape}, so it needs its whole window; {remedy}"
