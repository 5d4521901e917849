"""QuantizedGru: a gated recurrent unit whose matrices are int8; see `Gru` and `QuantizedRecurrence`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from edgeeeg_export import quantmath
from edgeeeg_export.ops.gru import Gru
from edgeeeg_export.ops.quantized_recurrence import QuantizedRecurrence


@dataclass(frozen=True, slots=True)
class QuantizedGru(QuantizedRecurrence, Gru):
    """A `QuantizedRecurrence` with the memory h."""

    kernel: ClassVar[str] = "edgeeeg_gru_int8"
    h_scale: float = field(kw_only=True)
    in_integers: bool = field(kw_only=True, default=False)
    width: quantmath.Width = field(kw_only=True, default="int8")
    state_scales: tuple[float, ...] = field(kw_only=True, default=())
