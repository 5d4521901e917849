"""Mixed precision: each layer in int8, int16 or float32, as a budget allows.

From all in int8 on, and once more from all in int16, the layer whose finer precision takes away most noise
for what it costs gets it, until everything is float32. What a layer is worth is measured anew before it is
chosen (a lazy greedy search: Minoux 1978, "Accelerated greedy algorithms for maximizing submodular set
functions"): errors of layers do not add up exactly, and a layer between two of floats is cheaper than one
between two of integers. Of the programs that the search has run, the choice is the cheapest that is accurate
enough, or the most accurate that is cheap enough.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.graph import Graph
from edgeeeg_export.quantize.budget import Budget
from edgeeeg_export.quantize.format import Format, Formats
from edgeeeg_export.quantize.observers import Range
from edgeeeg_export.quantize.output_error import OutputError, Yardstick
from edgeeeg_export.quantize.post_training import quantize
from edgeeeg_export.quantize.precision import (
    PRECISIONS,
    Layer,
    Precision,
    at_precisions,
    layers_with_integers,
)
from edgeeeg_export.quantize.program_cost import ProgramCost, cost_of


@dataclass(frozen=True, slots=True)
class Candidate:
    """A program that was run: the precision of each layer, its error, its cost, whether it was chosen."""

    precisions: Mapping[str, Precision]
    error: OutputError
    cost: ProgramCost
    chosen: bool = False

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class MixedPrecision:
    """What was chosen, and the programs that no other beats in accuracy, flash and instructions at once."""

    formats: Mapping[str, Format]
    pareto: tuple[Candidate, ...]


def mix(
    graph: Graph,
    hop: int,
    formats: Formats,
    ranges: Mapping[str, Range],
    yardstick: Yardstick,
    budget: Budget,
    on_run: Callable[[int, int], None] = lambda done, of: None,
) -> MixedPrecision:
    """Formats that keep a budget.

    Parameters
    ----------
    graph : Graph
        Captured and simplified, of floats.
    hop : samples of a step.
    formats : of its tensors and states, everything in int8.
    ranges : of its tensors.
    on_run : told how far the search is, of how far.

    Raises
    ------
    QuantizationError
        If no program keeps the budget, with the best that can be reached.
    """
    layers = layers_with_integers(graph, formats)

    def run(precisions: Mapping[str, Precision]) -> Candidate:
        made = quantize(graph, at_precisions(formats, ranges, layers, precisions))
        return Candidate(precisions, yardstick.measure(made), cost_of(made, hop))

    starts: tuple[Precision, ...] = ("int8", "int16")
    candidates = [
        candidate
        for start in starts
        for candidate in _climb(
            layers, run, budget, dict.fromkeys((each.name for each in layers), start), on_run
        )
    ]
    chosen = choose(candidates, budget)
    if chosen.error.noise == 0.0:
        whole = [one.error.sqnr_db or 0.0 for one in candidates if one is not chosen]
        raise QuantizationError(
            f"--budget {budget} is kept best by float32: export without --quantize; with integers this "
            f"model reaches {max(whole, default=0.0):.1f} dB"
        )
    front = [Candidate(c.precisions, c.error, c.cost, c is chosen) for c in pareto(candidates)]
    return MixedPrecision(at_precisions(formats, ranges, layers, chosen.precisions), tuple(front))


def choose(candidates: Iterable[Candidate], budget: Budget) -> Candidate:
    """The cheapest of those that are accurate enough, or the most accurate of those that are cheap enough.

    Raises
    ------
    QuantizationError
        If there is none, with the best that can be reached.
    """
    tried = list(candidates)
    if budget.quantity == "accuracy":
        # float32 throughout has no noise at all, so one always is
        kept = [one for one in tried if one.error.noise <= 10.0 ** (-budget.amount / 10.0)]
        return min(kept, key=lambda one: (one.cost.flash_bytes, one.cost.instructions, one.error.noise))
    kept = [one for one in tried if _spent(one, budget) <= budget.amount]
    if not kept:
        least = min(_spent(one, budget) for one in tried)
        raise QuantizationError(
            f"no precision keeps --budget {budget}: the least that this model takes is {least:.0f} "
            f"{'bytes of weights and tables' if budget.quantity == 'flash' else 'instructions a step'}"
        )
    return min(kept, key=lambda one: (one.error.noise, one.cost.flash_bytes, one.cost.instructions))


def pareto(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Those that no other is at least as good as in noise, bytes and instructions; the smallest first."""
    front: list[Candidate] = []
    for one in sorted(candidates, key=_figures):
        if not any(all(a <= b for a, b in zip(_figures(o), _figures(one), strict=True)) for o in front):
            front.append(one)
    return tuple(front)


def _climb(
    layers: tuple[Layer, ...],
    run: Callable[[Mapping[str, Precision]], Candidate],
    budget: Budget,
    start: Mapping[str, Precision],
    on_run: Callable[[int, int], None],
) -> Iterable[Candidate]:
    """Every program on the way from one to that all in float32, and those that were tried beside it."""
    at = run(start)
    yield at
    order, taken = itertools.count(), 0  # of equal worth, the first
    changes = [
        (layer.name, finer)
        for layer in layers
        for finer in PRECISIONS[PRECISIONS.index(start[layer.name]) + 1 :]
    ]
    total = 2 * len(changes)  # each is measured, and then made or left out
    waiting: list[tuple[float, int, int, str, Precision, Candidate]] = []

    def measure(name: str, precision: Precision) -> Candidate:
        tried = run({**at.precisions, name: precision})
        heapq.heappush(waiting, (-_worth(at, tried, budget), next(order), taken, name, precision, tried))
        return tried

    for done, change in enumerate(changes):
        yield measure(*change)
        on_run(done + 1, total)
    while waiting:
        _, _, measured, name, precision, tried = heapq.heappop(waiting)
        if PRECISIONS.index(precision) <= PRECISIONS.index(at.precisions[name]):
            continue
        if measured < taken:
            yield measure(name, precision)
            continue
        at, taken = tried, taken + 1
        on_run(total - len(waiting), total)


def _worth(at: Candidate, tried: Candidate, budget: Budget) -> float:
    """Noise taken away for each byte or instruction; without bounds if it costs none."""
    less = at.error.noise - tried.error.noise
    more = _spent(tried, budget) - _spent(at, budget)
    if more > 0:
        return less / more
    return float("inf") if less > 0 else less


def _spent(one: Candidate, budget: Budget) -> float:
    """What the search pays in: instructions if those are limited, else bytes of flash."""
    return float(one.cost.instructions if budget.quantity == "instructions" else one.cost.flash_bytes)


def _figures(one: Candidate) -> tuple[float, float, float]:
    return (one.cost.flash_bytes, one.cost.instructions, one.error.noise)
