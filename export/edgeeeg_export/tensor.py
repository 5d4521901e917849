"""Types of what flows through a graph: tensors that know their time axis, and states."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TensorType:
    """Shape of a tensor, which of its axes is time, and how many input samples one of its frames spans.

    `time_axis` is None for what does not change with time (constants); `samples_per_frame` is then 0. It is a
    fraction where a tensor has more frames than there are samples.
    """

    shape: tuple[int, ...]
    time_axis: int | None = None
    samples_per_frame: int | Fraction = 0

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def frames(self) -> int:
        """Extent of the time axis; 1 for a tensor without one."""
        return 1 if self.time_axis is None else self.shape[self.time_axis]


@dataclass(frozen=True, slots=True)
class State:
    """What an operator carries from one call to the next: float32.

    `initial` is one value everywhere, or one per element in their order.
    """

    name: str
    shape: tuple[int, ...]
    initial: float | tuple[float, ...] = 0.0

    @property
    def size(self) -> int:
        """Number of float32 values."""
        return int(np.prod(self.shape, dtype=np.int64))

    def start(self) -> Array:
        """A fresh array of initial values."""
        return np.full(self.size, self.initial, dtype=np.float32).reshape(self.shape)
