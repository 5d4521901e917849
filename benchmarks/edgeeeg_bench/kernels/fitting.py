"""The table of costs: what a unit of each kernel's work executes on a core, fitted to exact counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from edgeeeg_bench.kernels.counting import count
from edgeeeg_bench.kernels.layers import Layer
from edgeeeg_bridge.kernel_case import KernelCase


@dataclass(frozen=True, slots=True)
class Fit:
    """Instructions per unit of work by kernel, and the largest share by which they miss a count."""

    costs: Mapping[str, Mapping[str, float]]
    worst: Mapping[str, float]
    cases: int


def fit(layers: Sequence[Layer], core: str, scratch: Path) -> Fit:
    """The costs of all kernels that the layers could have: non-negative least squares of relative errors."""
    cases = [case for layer in layers for case in layer.forced()]
    counted = count(cases, core, scratch)
    costs, worst = {}, {}
    for kernel in sorted({str(case.kernel) for case in cases}):
        own = [case for case in cases if case.kernel == kernel]
        work, found = [_work(case) for case in own], [counted[case.name].instructions for case in own]
        costs[kernel], worst[kernel] = solve(work, found)
    return Fit(costs, worst, len(cases))


def _work(case: KernelCase) -> Mapping[str, int]:
    return next(iter(case.kernels.values())).work


def solve(
    work: Sequence[Mapping[str, int]], instructions: Sequence[float]
) -> tuple[Mapping[str, float], float]:
    """Costs of the units, none below 0, and the largest share by which they miss a count."""
    units = list(work[0])
    target = np.array(instructions)
    matrix = np.array([[each[unit] for unit in units] for each in work]) / target[:, None]
    scale = np.maximum(matrix.max(axis=0), 1e-12)
    costs, _ = nnls(matrix / scale, np.ones(len(target)))
    costs = np.round(costs / scale, 4)
    return dict(zip(units, costs.tolist(), strict=True)), float(np.abs(matrix @ costs - 1).max())
