"""Flushing a decaying memory to zero, long before it reaches the subnormal numbers."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

FLUSH = 2.0**-80
"""Memories up to this magnitude, far below the last bit of any recording, count as 0."""


def flush(x: Tensor) -> Tensor:
    """The same values, and 0 where its magnitude is at most 2^-80; NaN stays.

    Subnormal numbers take some processors a hundred times as long, and others set them to 0 by themselves.
    """
    return F.hardshrink(x, FLUSH)
