"""The table of costs: what a unit of each kernel's work executes on a core, fitted to exact counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from edgeeeg_bench.kernels.counting import Count, count
from edgeeeg_bench.kernels.layers import Layer
from edgeeeg_bridge.kernel_case import KernelCase


@dataclass(frozen=True, slots=True)
class Fit:
    """Instructions per unit of work by kernel, and the largest share by which they miss a count.

    `lost` has, of each layer with a choice, by which share the kernel that the costs choose executes more
    than the best.
    """

    costs: Mapping[str, Mapping[str, float]]
    worst: Mapping[str, float]
    cases: int
    lost: tuple[float, ...] = ()


def fit(layers: Sequence[Layer], core: str, scratch: Path) -> Fit:
    """The costs of all kernels that the layers could have: non-negative least squares of relative errors."""
    cases = [case for layer in layers for case in layer.forced()]
    counted = count(cases, core, scratch)
    costs, worst = {}, {}
    for kernel in sorted({str(case.kernel) for case in cases}):
        own = [case for case in cases if case.kernel == kernel]
        work, found = [_work(case) for case in own], [counted[case.name].instructions for case in own]
        costs[kernel], worst[kernel] = solve(work, found)
    return Fit(costs, worst, len(cases), tuple(_lost(layers, costs, counted)))


def _lost(
    layers: Sequence[Layer], costs: Mapping[str, Mapping[str, float]], counted: Mapping[str, Count]
) -> Iterator[float]:
    for layer in layers:
        found = {
            sum(costs[str(case.kernel)][unit] * n for unit, n in _work(case).items()): counted[case.name]
            for case in layer.forced()
        }
        if len(found) > 1:
            least = min(count.instructions for count in found.values())
            yield found[min(found)].instructions / least - 1


def _work(case: KernelCase) -> Mapping[str, int]:
    return next(iter(case.kernels.values())).work


def solve(
    work: Sequence[Mapping[str, int]], instructions: Sequence[float]
) -> tuple[Mapping[str, float], float]:
    """Costs of the units, none below 0, and the largest share by which they miss a count."""
    units = list(dict.fromkeys(unit for each in work for unit in each))
    target = np.array(instructions)
    matrix = np.array([[each.get(unit, 0) for unit in units] for each in work]) / target[:, None]
    scale = np.maximum(matrix.max(axis=0), 1e-12)
    costs, _ = nnls(matrix / scale, np.ones(len(target)))
    costs = np.round(costs / scale, 4)
    return dict(zip(units, costs.tolist(), strict=True)), float(np.abs(matrix @ costs - 1).max())
