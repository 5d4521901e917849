"""How long the walk through every sample takes in Python, where an export checks its contract."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from edgeeeg.evidence import Evidence
from edgeeeg.layers.filters import BandPass
from edgeeeg_bench.front_end.program import SFREQ, compiled
from edgeeeg_bench.front_end.section import Section
from edgeeeg_export import reference

SECONDS = 8.0
REPEATS = 5


def walks() -> Section:
    """Time of a band-pass in the NumPy reference and in torch."""
    layer = BandPass(1, 0.5, 40.0, SFREQ)
    subject = compiled(layer)
    (spec,) = subject.inputs
    x = 30 * np.random.default_rng(0).standard_normal((1, 1, round(SECONDS * SFREQ))).astype(np.float32)
    ways: dict[str, Callable[[], object]] = {
        "NumPy": partial(reference.run, subject.lowered.offline, {spec.name: x}),
        "torch": partial(layer, torch.from_numpy(x)),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(REPEATS + 1):
        for name, walk in ways.items():
            start = time.perf_counter()
            walk()
            if repeat:  # the first round warms up
                times[name].append((time.perf_counter() - start) * 1e6)
    sections = len(layer.coefficients)
    return Section(
        f"µs a sample and section of BandPass on this host, one thread, median of {REPEATS} interleaved "
        "repeats",
        Evidence.MEASURED,
        tuple(
            {"in": name, "us": statistics.median(values) / x.size / sections}
            for name, values in times.items()
        ),
    )
