"""What a model that was quantized elsewhere says of its integers, which a program of it must keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class OwnIntegers:
    """Steps that were chosen elsewhere, and the tensors that are rounded, no others.

    Parameters
    ----------
    weights : mapping of str to array (n_out,)
        What one step of each output row of a layer's int8 weights is worth, by the name of its result; layers
        that it leaves out have weights of floats, and compute in floats.
    rounded : frozenset of str
        Tensors whose every reader sees them rounded, whether their layer computes in integers or in floats.
    hidden : frozenset of str
        Results of recurrences whose hidden values are rounded, in the steps of the result, before they meet
        their weights, which are integers.
    """

    weights: Mapping[str, Array]
    rounded: frozenset[str]
    hidden: frozenset[str] = frozenset()
