"""What the bench asks of a runtime, and why one may have nothing to say."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeeeg_export.tensor import Array

Times = NDArray[np.int64]
"""Nanoseconds of each step."""


@dataclass(frozen=True, slots=True)
class Runner:
    """A model ready to run in one runtime.

    Parameters
    ----------
    runtime, form : its name; and what it was given: `C`, or the ONNX form, or the torch module.
    flags : how it was compiled, or the options that it runs with.
    run : (rounds) to outputs (n_steps, n_outputs) and times, from the initial state over all hops.
    library_bytes : what must be there to run it.
    tolerance : largest difference from the reference; 0 is the same bits.
    """

    runtime: str
    form: str
    flags: str
    run: Callable[[int], tuple[Array, Times]]
    library_bytes: int
    tolerance: float


@dataclass(frozen=True, slots=True)
class Absent:
    """A runtime that did not run, and why."""

    runtime: str
    form: str
    reason: str


def timed(
    reset: Callable[[], None], step: Callable[[int], object], fetch: Callable[[], Array], hops: int
) -> Callable[[int], tuple[Array, Times]]:
    """A run of Python calls: `step(k)` is timed, `fetch` reads what it gave between two of them."""

    def run(rounds: int) -> tuple[Array, Times]:
        reset()
        nanoseconds = np.empty(hops * rounds, dtype=np.int64)
        outputs = []
        clock = time.perf_counter_ns
        for k in range(hops * rounds):
            start = clock()
            step(k % hops)
            nanoseconds[k] = clock() - start
            outputs.append(fetch().ravel().copy())
        return np.stack(outputs), nanoseconds

    return run
