"""How two runs of one model differ: bits, tolerances, and the episodes that a flipped decision sets off.

A decision is a spike, or the integer that a float is rounded to.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeeeg_export.drift import Drift
from edgeeeg_export.tensor import Array

TOLERANCE = 1e-4
"""Against runtimes that are not ours: absolute up to a magnitude of 1, relative above it. The magnitude of
an output is the largest so far, so that what comes later, as full-scale noise does, excuses nothing."""

SETTLED_SECONDS = 1.0
"""How long two runs must agree again before a flip episode counts as over."""


@dataclass(frozen=True, slots=True)
class Record:
    """One target against the NumPy reference.

    Attributes
    ----------
    against : what it is compared with.
    samples : input samples compared, carried from the first to the last without reset.
    max_abs, mean_abs : difference of the outputs, with the reference's decisions forced where `forced` is.
    max_relative : the largest difference of an output in units of max(1, its largest magnitude so far).
    bit_identical : every output has the same 32 bits.
    first_over : first input sample whose output is over the tolerance (forced), or None.
    tolerance : 0 for our own targets.
    flips : free-running decisions (output at or above its threshold) that differ.
    flips_outside_episodes : those of them that no flipped spike or rounding explains.
    episodes : stretches of the free run that begin with a flipped spike or rounding.
    longest_episode_samples, recovery_samples : the longest of them, and the median length, in input samples.
    worst_layer, worst_layer_error : the layer that differs most with those forced, relative to max(1, peak).
    layers : how many intermediate tensors were compared.
    spike_flips : spikes that differ although the reference's were forced on resets and on later layers.
    unexplained_spike_flips : those whose membrane is further from its threshold than the tolerance, and than
        the rounding that it carries.
    flipping_layer : the layer with the most of those.
    rounding_flips : integers rounded to the next one, although all in front of them is the reference's.
    drift : the difference over the hours of the run.
    """

    against: str
    samples: int
    max_abs: float
    mean_abs: float
    max_relative: float
    bit_identical: bool
    first_over: int | None
    tolerance: float
    forced: bool = False
    flips: int = 0
    flips_outside_episodes: int = 0
    episodes: int = 0
    longest_episode_samples: int = 0
    recovery_samples: float = 0.0
    worst_layer: str = ""
    worst_layer_error: float = 0.0
    layers: int = 0
    spike_flips: int = 0
    unexplained_spike_flips: int = 0
    flipping_layer: str = ""
    rounding_flips: int = 0
    drift: Drift | None = None

    @property
    def holds(self) -> bool:
        """Whether this target keeps the contract."""
        if self.tolerance == 0.0:
            return self.bit_identical
        within = self.first_over is None and self.worst_layer_error <= self.tolerance
        return within and self.flips_outside_episodes == self.unexplained_spike_flips == 0

    def breaches(self) -> tuple[str, ...]:
        """Everything in which it does not keep the contract, in words."""
        if self.holds:
            return ()
        if self.tolerance == 0.0:
            return (
                f"its outputs are other bits from sample {self.first_over} on, by up to {self.max_abs:.3g}",
            )
        found = []
        if self.first_over is not None:
            found.append(
                f"its outputs are off by up to {self.max_relative:.3g} of their peak, over the tolerance of "
                f"{self.tolerance:g}, from sample {self.first_over} on"
            )
        if not self.worst_layer_error <= self.tolerance:
            found.append(
                f"layer {self.worst_layer} is off by {self.worst_layer_error:.3g} of its peak, over the "
                f"tolerance of {self.tolerance:g}"
            )
        if self.unexplained_spike_flips:
            found.append(
                f"{self.unexplained_spike_flips} spikes flip that no rounding explains, most of them in "
                f"layer {self.flipping_layer}"
            )
        if self.flips_outside_episodes:
            count = self.flips_outside_episodes
            found.append(f"{count} decisions flip with no flip of a spike or rounding before them")
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values, with `holds`; a difference that is not a number is None."""
        values = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(replace(self, drift=None)).items()
        }
        return values | {"holds": self.holds, "drift": None if self.drift is None else self.drift.to_json()}


def compare_exact(reference: Array, other: Array, hop: int, thresholds: Sequence[float | None]) -> Record:
    """One of our own targets: outputs (n_steps, n_outputs), equal to the last bit or broken."""
    difference = np.abs(reference - other)
    differing = (reference.view(np.uint32) != other.view(np.uint32)).any(axis=1)
    return Record(
        against="numpy",
        samples=len(reference) * hop,
        max_abs=float(difference.max(initial=0.0)),
        mean_abs=float(difference.mean()) if difference.size else 0.0,
        max_relative=_largest(_relative(reference, other)),
        bit_identical=not differing.any(),
        first_over=_first_sample(differing, hop),
        tolerance=0.0,
        flips=int((_decisions(reference, thresholds) != _decisions(other, thresholds)).any(axis=1).sum()),
    )


@dataclass(frozen=True, slots=True)
class Trace:
    """One run in view: outputs (n_steps, n_outputs), spikes (n_steps, n_spikes), other tensors by name.

    `integers` are those that floats were rounded to, (n_steps, elements of a step) by name.
    """

    outputs: Array
    spikes: Array
    layers: Mapping[str, Array]
    integers: Mapping[str, Array] = field(default_factory=dict)


def compare_within(
    reference: Trace,
    free: Trace,
    forced: Trace,
    margins: Array,
    hop: int,
    sfreq: float,
    thresholds: Sequence[float | None],
    spiking_layers: Sequence[str],
) -> Record:
    """A runtime that is not ours: layer by layer with spikes forced, and the free run's flip episodes.

    `margins` (n_steps, n_spikes) says how far the reference's membranes are from their thresholds: nearer
    than the tolerance, rounding alone may flip a spike. `spiking_layers` has the layer of each.
    """
    difference = np.abs(reference.outputs - forced.outputs)
    errors = {
        name: _relative_error(value, forced.layers[name])
        for name, value in reference.layers.items()
        if name in forced.layers and forced.layers[name].shape == value.shape
    }
    whole = {name: _steps_apart(value, forced.integers[name]) for name, value in reference.integers.items()}
    # a float within rounding of the border between two integers may come to either
    errors |= {
        name: float(max(apart.max(initial=0) - 1, 0) / max(1, _peak(reference.integers[name])))
        for name, apart in whole.items()
    }
    worst = max(errors, key=lambda name: errors[name], default="")
    spans = episodes(reference, free, settled=max(1, round(SETTLED_SECONDS * sfreq / hop)))
    inside = np.zeros(len(reference.outputs), dtype=bool)
    for start, stop in spans:
        inside[start:stop] = True
    flipped = (_decisions(reference.outputs, thresholds) != _decisions(free.outputs, thresholds)).any(axis=1)
    lengths = [(stop - start) * hop for start, stop in spans]
    spike_flips = reference.spikes != forced.spikes
    unexplained = (spike_flips & (margins > TOLERANCE)).sum(axis=0)
    by_layer = Counter[str]()
    for layer, count in zip(spiking_layers, unexplained.tolist(), strict=True):
        by_layer[layer] += count
    return Record(
        against="numpy",
        samples=len(reference.outputs) * hop,
        max_abs=float(difference.max(initial=0.0)),
        mean_abs=float(difference.mean()) if difference.size else 0.0,
        max_relative=_largest(_relative(reference.outputs, forced.outputs)),
        bit_identical=np.array_equal(reference.outputs.view(np.uint32), free.outputs.view(np.uint32)),
        first_over=_first_sample(_over(reference.outputs, forced.outputs), hop),
        tolerance=TOLERANCE,
        forced=True,
        flips=int(flipped.sum()),
        flips_outside_episodes=int((flipped & ~inside).sum()),
        episodes=len(spans),
        longest_episode_samples=max(lengths, default=0),
        recovery_samples=float(np.median(lengths)) if lengths else 0.0,
        worst_layer=worst,
        worst_layer_error=errors.get(worst, 0.0),
        layers=len(errors),
        spike_flips=int(spike_flips.sum()),
        unexplained_spike_flips=by_layer.total(),
        rounding_flips=sum(int((apart > 0).sum()) for apart in whole.values()),
        flipping_layer=by_layer.most_common(1)[0][0] if by_layer.total() else "",
    )


def episodes(reference: Trace, free: Trace, settled: int) -> list[tuple[int, int]]:
    """Stretches [start, stop) of steps that a flipped spike or rounding begins.

    One ends where decisions are equal and outputs within tolerance again, for at least `settled` steps.
    """
    flipped = (reference.spikes != free.spikes).any(axis=1)
    for name, value in reference.integers.items():
        flipped |= (value != free.integers[name]).any(axis=1)
    apart = flipped | _over(reference.outputs, free.outputs)
    spans: list[tuple[int, int]] = []
    step = 0
    starts = np.flatnonzero(flipped)
    differing = np.flatnonzero(apart)
    for start in starts:
        if start < step:
            continue
        stop = int(start) + 1
        for at in differing[differing >= stop]:
            if at - stop >= settled:
                break
            stop = int(at) + 1
        spans.append((int(start), stop))
        step = stop
    return spans


def _relative_error(reference: Array, other: Array) -> float:
    """The largest difference of a layer relative to max(1, peak); infinite where one is not a number."""
    if not reference.size:
        return 0.0
    difference = np.abs(reference - other).max()
    return float(difference / max(1.0, np.abs(reference).max())) if np.isfinite(difference) else math.inf


def _steps_apart(reference: Array, other: Array) -> Array:
    """By how many steps integers differ."""
    apart: Array = np.abs(np.subtract(reference, other, dtype=np.int32))
    return apart


def _peak(integers: Array) -> int:
    return int(np.abs(integers.astype(np.int32)).max(initial=0))


def _relative(reference: Array, other: Array) -> Array:
    """Differences of outputs (n_steps, n_outputs) in units of max(1, largest magnitude so far)."""
    peak = np.maximum.accumulate(np.abs(reference), axis=0) if len(reference) else reference
    relative: Array = np.abs(reference - other) / np.maximum(np.float32(1.0), peak)
    return relative


def _largest(relative: Array) -> float:
    """The largest of some differences; infinite where one of them is not a number."""
    return float(relative.max(initial=0.0)) if np.isfinite(relative).all() else math.inf


def _over(reference: Array, other: Array) -> NDArray[np.bool_]:
    return np.asarray((~(_relative(reference, other) <= TOLERANCE)).any(axis=1))


def _first_sample(steps: NDArray[np.bool_], hop: int) -> int | None:
    """The first input sample of the first step that is marked."""
    return int(steps.argmax()) * hop if steps.any() else None


def _decisions(outputs: Array, thresholds: Sequence[float | None]) -> NDArray[np.bool_]:
    limits = np.array([np.inf if limit is None else limit for limit in thresholds], dtype=np.float32)
    return outputs >= limits
