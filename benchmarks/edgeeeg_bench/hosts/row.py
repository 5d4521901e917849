"""A row of the host bench: a runtime whose outputs were checked and whose steps were timed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeeeg_bench.errors import BenchError
from edgeeeg_bench.hosts.runner import Absent, Runner, Times
from edgeeeg_bench.hosts.subject import Subject

REPEATS = 15
ENOUGH_NS = 3_000_000
"""A repeat lasts about this long at least, so that what a busy moment hits is one repeat in many."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a step takes in microseconds; `ratio` is against our C with -march=native."""

    model: str
    hop: int
    runtime: str
    form: str
    flags: str
    median_us: float
    p99_us: float
    ratio: float
    allocations: float | None
    library_bytes: int
    largest_difference: float

    def to_json(self) -> dict[str, Any]:
        """The row as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def largest_difference(subject: Subject, runner: Runner) -> float:
    """The difference of a runtime's outputs from the reference's.

    Raises
    ------
    BenchError
        If it is more than the runner's tolerance, so there is nothing to time.
    """
    outputs, _ = runner.run(1)
    what = f"{runner.runtime} ({runner.form}) on {subject.model.name}"
    if outputs.shape != subject.truth.shape:
        raise BenchError(f"{what} gave outputs {outputs.shape}, expected {subject.truth.shape}")
    if runner.tolerance == 0.0:
        if outputs.tobytes() != subject.truth.tobytes():
            raise BenchError(f"{what} has other bits than the reference")
        return 0.0
    difference = float(np.max(np.abs(outputs - subject.truth)))
    if not difference <= runner.tolerance * max(1.0, float(np.max(np.abs(subject.truth)))):
        raise BenchError(f"{what} is {difference:g} off, more than its tolerance of {runner.tolerance:g}")
    return difference


def measure(subject: Subject, runners: Sequence[Runner], allocations: Mapping[str, float]) -> list[Row]:
    """Check every runtime, then time them in turn, repeat after repeat; ratios are to the second of them."""
    differences = [largest_difference(subject, runner) for runner in runners]
    rounds = [_rounds(runner) for runner in runners]
    times: list[list[Times]] = [[] for _ in runners]
    for _ in range(REPEATS):
        for own, runner, count in zip(times, runners, rounds, strict=True):
            own.append(runner.run(count)[1])
    joined = [np.concatenate(own) / 1000 for own in times]
    medians = [float(np.median(own)) for own in joined]
    return [
        Row(
            model=subject.model.name,
            hop=subject.model.hop,
            runtime=runner.runtime,
            form=runner.form,
            flags=runner.flags,
            median_us=median,
            p99_us=float(np.percentile(own, 99)),
            ratio=median / medians[1],
            allocations=allocations.get(key(subject, runner)),
            library_bytes=runner.library_bytes,
            largest_difference=difference,
        )
        for runner, own, median, difference in zip(runners, joined, medians, differences, strict=True)
    ]


def key(subject: Subject, runner: Runner | Absent) -> str:
    """What a row is told by."""
    flags = runner.flags if isinstance(runner, Runner) else ""
    return f"{subject.model.name} / {runner.runtime} / {runner.form} / {flags}"


def _rounds(runner: Runner) -> int:
    nanoseconds = runner.run(1)[1]
    return max(1, round(ENOUGH_NS / float(nanoseconds.sum())))
