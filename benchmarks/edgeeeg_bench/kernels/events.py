"""Dense layers behind spikes at rising firing rates: events, the dense form, and what the C chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeeeg_bench.kernels.counting import Count, count
from edgeeeg_bridge.kernel_case import KernelCase, Operand
from edgeeeg_bridge.operand_draw import integers, spikes, uniform
from edgeeeg_export.kernels.choice import scratch as scratch_of
from edgeeeg_export.kernels.kernel import Family, Kernel
from edgeeeg_export.ops.event_kernels import break_even, event_kernels
from edgeeeg_export.ops.event_linear import EventLinear
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.quantized_event_linear import QuantizedEventLinear
from edgeeeg_export.ops.quantized_linear import QuantizedLinear
from edgeeeg_export.tensor import TensorType

RATES = (0.0, 0.01, 0.05, 0.2, 0.5, 1.0)
SIZES = ((64, 64), (128, 128), (128, 16))
ROUNDS = 40
FAMILY: Mapping[str, Family] = {
    "plain": "plain",
    "cortex-m4": "dsp",
    "cortex-m7": "dsp",
    "cortex-m55": "helium",
}


@dataclass(frozen=True, slots=True)
class AlwaysEvents(EventLinear):
    """Events at every rate, to count them where they are not chosen."""

    def kernels(self, inputs: tuple[TensorType, ...]) -> tuple[Kernel, ...]:
        """Without a break-even."""
        layer = self.dense(inputs)
        return event_kernels(layer, most=layer.k)

    def scratch(self, inputs: tuple[TensorType, ...]) -> int:
        """As of its kernels."""
        return scratch_of(self.kernels(inputs))


@dataclass(frozen=True, slots=True)
class AlwaysQuantizedEvents(QuantizedEventLinear):
    """The same of integers."""

    def kernels(self, inputs: tuple[TensorType, ...]) -> tuple[Kernel, ...]:
        """Without a break-even."""
        layer = self.dense(inputs)
        return event_kernels(layer, most=layer.k)

    def scratch(self, inputs: tuple[TensorType, ...]) -> int:
        """As of its kernels."""
        return scratch_of(self.kernels(inputs))


CHOSEN: Mapping[str, EventLinear | QuantizedEventLinear] = {
    "float32": EventLinear(),
    "int8": QuantizedEventLinear(),
}
FORMS: Mapping[str, Mapping[str, Op]] = {
    "float32": {"events": AlwaysEvents(), "dense": Linear(), "chosen": CHOSEN["float32"]},
    "int8": {"events": AlwaysQuantizedEvents(), "dense": QuantizedLinear(), "chosen": CHOSEN["int8"]},
}


@dataclass(frozen=True, slots=True)
class EventRow:
    """Mean instructions of one row of spikes at a firing rate, by form; events go up to `break_even`."""

    core: str
    dtype: str
    k: int
    n: int
    rate: float
    events: float
    dense: float
    chosen: float
    break_even: float
    bit_exact: bool


def event_rows(core: str, folder: Path) -> list[EventRow]:
    """All sizes and rates on a core."""
    cases = {
        (dtype, k, n, rate, form): _case(dtype, op, form, k, n, rate)
        for dtype, forms in FORMS.items()
        for k, n in SIZES
        for rate in RATES
        for form, op in forms.items()
    }
    counted: dict[str, Count] = {}
    for dtype in FORMS:
        own = [case for key, case in cases.items() if key[0] == dtype]
        counted |= count(own, core, folder / dtype)
    rows = []
    for dtype in FORMS:
        for k, n in SIZES:
            types = cases[dtype, k, n, 0.0, "chosen"].input_types
            most = break_even(CHOSEN[dtype].dense(types), FAMILY[core])
            for rate in RATES:
                found = {form: counted[cases[dtype, k, n, rate, form].name] for form in FORMS[dtype]}
                events, dense, chosen = (each.instructions for each in found.values())
                exact = all(each.bit_exact for each in found.values())
                rows.append(EventRow(core, dtype, k, n, rate, events, dense, chosen, most / k, exact))
    return rows


def _case(dtype: str, op: Op, form: str, k: int, n: int, rate: float) -> KernelCase:
    name = f"spikes_{dtype}_{k}_{n}_{round(100 * rate)}_{form}"
    if dtype == "float32":
        rest: Sequence[Operand] = (
            Operand((k, n), uniform(-1.0, 1.0), held=True),
            Operand((n,), uniform(-1.0, 1.0), held=True),
        )
        return KernelCase(name, op, (Operand((1, k), spikes(rate, "float32")), *rest), ROUNDS)
    rest = (
        Operand((k, n), integers("int8"), held=True),
        Operand((n,), integers("int32", -400, 400), held=True),
        Operand((n,), uniform(0.02, 0.5), held=True),
    )
    return KernelCase(name, op, (Operand((1, k), spikes(rate, "int8")), *rest), ROUNDS)
