"""QuantizedLstm: a long short-term memory whose matrices are int8; see `Lstm` and `QuantizedRecurrence`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from edgeeeg_export import quantmath
from edgeeeg_export.ops.lstm import Lstm
from edgeeeg_export.ops.quantized_recurrence import QuantizedRecurrence


@dataclass(frozen=True, slots=True)
class QuantizedLstm(QuantizedRecurrence, Lstm):
    """A `QuantizedRecurrence` with the memories h and c."""

    kernel: ClassVar[str] = "edgeeeg_lstm_int8"
    h_scale: float = field(kw_only=True)
    in_integers: bool = field(kw_only=True, default=False)
    width: quantmath.Width = field(kw_only=True, default="int8")
    state_scales: tuple[float, ...] = field(kw_only=True, default=())
