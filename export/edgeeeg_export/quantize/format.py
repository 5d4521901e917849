"""Format: how a tensor is stored in a program of integers, and what one of its steps is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.quantmath import Width

Storage = Literal["int8", "int16", "int32", "float32"]


@dataclass(frozen=True, slots=True)
class Format:
    """A value is `scale` · q, with q of type `dtype`; float32 is stored as it is and has scale 1.

    int32 is for states alone.
    """

    dtype: Storage
    scale: float = 1.0

    @property
    def width(self) -> Width:
        """The type of a tensor's integers.

        Raises
        ------
        QuantizationError
            If a tensor cannot be stored so.
        """
        if self.dtype not in ("int8", "int16"):
            raise QuantizationError(f"a tensor in integers is int8 or int16, not {self.dtype}")
        return self.dtype


Formats = Mapping[str, Format]
"""By the name of a tensor of the captured graph, or of a state: `state_name`."""


def state_name(output: str, state: str) -> str:
    """What the formats call a state of the layer that makes `output`."""
    return f"{output}:{state}"


def to_json(formats: Formats) -> dict[str, dict[str, Any]]:
    """As JSON values."""
    return {name: {"dtype": one.dtype, "scale": one.scale} for name, one in formats.items()}


def from_json(value: Any) -> dict[str, Format]:
    """Formats of JSON values.

    Raises
    ------
    QuantizationError
        Naming the entry that is none.
    """
    if not isinstance(value, dict):
        raise QuantizationError("formats must map tensors to a dtype and a scale")
    formats = {}
    for name, entry in value.items():
        given = entry if isinstance(entry, dict) else {}
        dtype: Any = given.get("dtype")
        scale = given.get("scale")
        if dtype not in get_args(Storage) or not isinstance(scale, float | int) or not 0 < scale < math.inf:
            raise QuantizationError(
                f"the format of '{name}' must be a dtype ({', '.join(get_args(Storage))}) and a scale above 0"
            )
        formats[name] = Format(dtype, float(scale))
    return formats
