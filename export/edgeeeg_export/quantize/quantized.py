"""What a program of integers was made from."""

from __future__ import annotations

from dataclasses import dataclass

from edgeeeg_export.graph import Graph
from edgeeeg_export.quantize.format import Formats
from edgeeeg_export.quantize.own_integers import OwnIntegers


@dataclass(frozen=True, slots=True)
class Quantized:
    """The captured graph of floats, the format of each of its tensors, and what the model says of integers.

    `own` is None where post-training quantization chose the steps.
    """

    floats: Graph
    formats: Formats
    own: OwnIntegers | None = None
