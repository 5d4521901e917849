"""Dense layers behind spikes, at every firing rate and with tails, for the boards and the host."""

from __future__ import annotations

from edgeeeg_bridge.kernel_case import KernelCase, Operand
from edgeeeg_bridge.operand_draw import integers, spikes, uniform
from edgeeeg_export.ops.event_linear import EventLinear
from edgeeeg_export.ops.quantized_event_linear import QuantizedEventLinear

RATES = (0.0, 0.01, 0.05, 0.2, 0.5, 1.0)
SHAPES = ((4, 64, 64), (3, 37, 21), (1, 300, 9))


def event_cases() -> tuple[KernelCase, ...]:
    """Of floats and of integers."""
    return tuple(
        KernelCase(f"{kind}_{k}_{n}_{round(100 * rate)}", op, operands(rate, rows, k, n), 8)
        for rate in RATES
        for rows, k, n in SHAPES
        for kind, op, operands in (
            ("events", EventLinear(), of_floats),
            ("events_int8", QuantizedEventLinear(), of_integers),
            ("events_int16", QuantizedEventLinear(width="int16"), of_integers),
        )
    )


def of_floats(rate: float, rows: int, k: int, n: int) -> tuple[Operand, ...]:
    """Spikes, weights, bias."""
    return (
        Operand((rows, k), spikes(rate, "float32")),
        Operand((k, n), uniform(-1.0, 1.0)),
        Operand((n,), uniform(-1.0, 1.0)),
    )


def of_integers(rate: float, rows: int, k: int, n: int) -> tuple[Operand, ...]:
    """Spikes, weights, bias, multipliers that take sums past both ends of an int8."""
    return (
        Operand((rows, k), spikes(rate, "int8")),
        Operand((k, n), integers("int8")),
        Operand((n,), integers("int32", -400, 400)),
        Operand((n,), uniform(0.02, 0.5)),
    )
