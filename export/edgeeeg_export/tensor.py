"""Types of what flows through a graph: tensors that know their time axis, and states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""float32, or the integers that the tensor's type says."""
DType = Literal["float32", "int8", "int16", "int32"]
BYTES: Mapping[str, int] = MappingProxyType({"float32": 4, "int8": 1, "int16": 2, "int32": 4})
C_TYPE: Mapping[str, str] = MappingProxyType(
    {"float32": "float", "int8": "int8_t", "int16": "edgeeeg_int16", "int32": "edgeeeg_int32"}
)
"""What an element is in C. The wider integers may lie in memory that held floats a layer ago."""
SUFFIX: Mapping[str, str] = MappingProxyType(
    {"float32": "", "int8": "_int8", "int16": "_int16", "int32": "_int32"}
)
"""What ends the name of a kernel that exists for several types of element."""


@dataclass(frozen=True, slots=True)
class TensorType:
    """Shape of a tensor, which of its axes is time, and how many input samples one of its frames spans.

    `time_axis` is None for what does not change with time (constants); `samples_per_frame` is then 0. It is a
    fraction where a tensor has more frames than there are samples.
    """

    shape: tuple[int, ...]
    time_axis: int | None = None
    samples_per_frame: int | Fraction = 0
    dtype: DType = "float32"

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Bytes of its elements."""
        return self.size * BYTES[self.dtype]

    @property
    def frames(self) -> int:
        """Extent of the time axis; 1 for a tensor without one."""
        return 1 if self.time_axis is None else self.shape[self.time_axis]


@dataclass(frozen=True, slots=True)
class State:
    """What an operator carries from one call to the next.

    `initial` is one value everywhere, or one per element in their order.
    """

    name: str
    shape: tuple[int, ...]
    initial: float | tuple[float, ...] = 0.0
    dtype: DType = "float32"

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Bytes of its values."""
        return self.size * BYTES[self.dtype]

    def start(self) -> Array:
        """A fresh array of initial values."""
        return np.full(self.size, self.initial, dtype=self.dtype).reshape(self.shape)


def stretch(value: Array, axis: int, start: int, stop: int) -> Array:
    """The frames from one to before another along an axis: a view."""
    at: tuple[slice, ...] = (*(slice(None),) * (axis % value.ndim), slice(start, stop))
    return value[at]
