"""What events cost: fitted to counts of rows with a known number of spikes."""

from __future__ import annotations

from pathlib import Path

from edgeeeg_bench.kernels.counting import count
from edgeeeg_bench.kernels.events import AlwaysEvents, AlwaysQuantizedEvents
from edgeeeg_bench.kernels.fitting import Fit, solve
from edgeeeg_bridge.kernel_case import SEED, KernelCase, Operand
from edgeeeg_bridge.operand_draw import draw_words, integers, spikes, uniform
from edgeeeg_export.ops.event_kernels import Dense, work
from edgeeeg_export.tensor import DType

SIZES = ((64, 64), (128, 16), (37, 21), (200, 8), (16, 48))
RATES = (0.0, 0.05, 0.2, 0.5, 0.8, 1.0)


def event_costs(core: str, scratch: Path) -> Fit:
    """The costs of adding rows of floats and of int8."""
    costs, worst, counts = {}, {}, 0
    kernels: tuple[tuple[DType, str], ...] = (("float32", "events"), ("int8", "events_int8"))
    for dtype, kernel in kernels:
        cases = {(k, n, rate): _case(dtype, k, n, rate) for k, n in SIZES for rate in RATES}
        counted = count(tuple(cases.values()), core, scratch / dtype)
        units = [
            work(Dense(1, k, n, (dtype, dtype), lambda rows: ()), _fired(case))
            for (k, n, _), case in cases.items()
        ]
        found = [counted[case.name].instructions for case in cases.values()]
        costs[kernel], worst[kernel] = solve(units, found)
        counts += len(cases)
    return Fit(costs, worst, counts)


def _case(dtype: DType, k: int, n: int, rate: float) -> KernelCase:
    name = f"fit_{dtype}_{k}_{n}_{round(100 * rate)}"
    x = Operand((1, k), spikes(rate, dtype))
    if dtype == "float32":
        floats = (Operand((k, n), uniform(-1.0, 1.0)), Operand((n,), uniform(-1.0, 1.0)))
        return KernelCase(name, AlwaysEvents(), (x, *floats), 1)
    rest = (
        Operand((k, n), integers("int8")),
        Operand((n,), integers("int32", -400, 400)),
        Operand((n,), uniform(0.02, 0.5)),
    )
    return KernelCase(name, AlwaysQuantizedEvents(), (x, *rest), 1)


def _fired(case: KernelCase) -> int:
    """Spikes of its only row, which is drawn first."""
    (x, *_) = case.operands
    words, _ = draw_words(SEED, x.type.size)
    return int(x.draw.numpy(words).sum())
