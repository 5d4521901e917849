"""QuantizedRnn: a plain recurrent layer whose matrices are int8; see `Rnn` and `QuantizedRecurrence`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from edgeeeg_export import quantmath
from edgeeeg_export.ops.quantized_recurrence import QuantizedRecurrence
from edgeeeg_export.ops.rnn import Rnn


@dataclass(frozen=True, slots=True)
class QuantizedRnn(QuantizedRecurrence, Rnn):
    """A `QuantizedRecurrence` with the memory h."""

    kernel: ClassVar[str] = "edgeeeg_rnn_int8"
    h_scale: float = field(kw_only=True)
    in_integers: bool = field(kw_only=True, default=False)
    width: quantmath.Width = field(kw_only=True, default="int8")
    state_scales: tuple[float, ...] = field(kw_only=True, default=())
