"""From a float graph and a recording to how it is rounded: adjustments, ranges, and a format for each tensor.

Equalization and bias correction are kept where they make the outputs clearly less noisy on the recording,
each by itself; on models whose channels are alike they change little either way (docs/quantization.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export.graph import Graph
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.quantize.adjustments import Adjustments
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.bias_correction import correct, find_corrections
from edgeeeg_export.quantize.budget import Budget
from edgeeeg_export.quantize.calibration import Calibration, calibrate
from edgeeeg_export.quantize.equalization import find_exponents
from edgeeeg_export.quantize.format import Formats, Storage
from edgeeeg_export.quantize.mixed_precision import Candidate, mix
from edgeeeg_export.quantize.output_error import Yardstick
from edgeeeg_export.quantize.post_training import quantize
from edgeeeg_export.quantize.rollout import steps_of
from edgeeeg_export.quantize.sensitivity import Sensitivity, sensitivity
from edgeeeg_export.tensor import Array

STRETCH = 1 << 15
"""Samples of the first input that programs are compared on, from the middle of the recording: two minutes at
256 Hz."""

WORTH_KEEPING = 0.9
"""What must be left of the noise at most, for a change to be kept: half a decibel is chance."""

OnPart = Callable[[str, int, int], None]
"""Told what is being done, and how far it is, of how far."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """How a float graph is rounded; `pareto` has the programs that a budget chose from.

    `adjustments` is None where none was worth keeping.
    """

    adjustments: Adjustments | None
    formats: Formats
    pareto: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """A float graph and what it was seen to do."""

    graph: Graph
    formats: Formats
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user asks for.

    Parameters
    ----------
    observer : a name of `observers.OBSERVERS`.
    inputs : formats of the model's inputs.
    tensors, states : what everything else is stored in; `tensors` where there is no budget.
    budget : what a precision for each layer has to keep.
    threshold : output from which on the model decides.
    """

    observer: str
    inputs: Formats
    tensors: Storage = "int8"
    states: Storage = "float32"
    budget: Budget | None = None
    threshold: float | None = None


def prepare(
    graph: Graph,
    hop: int,
    inputs: Mapping[str, Array],
    settings: Settings,
    on_part: OnPart = lambda part, done, of: None,
) -> Preparation:
    """Adjustments and formats from a calibration recording.

    Parameters
    ----------
    graph : Graph
        Captured and simplified, of floats.
    hop : samples of a step.
    inputs : the recording, whole hops of every input.

    Raises
    ------
    QuantizationError
        If the model diverges on it, or nothing keeps the budget.
    """
    on_part("calibrating", 0, 1)
    yardstick = Yardstick.of(graph, stretch(stream(graph, hop), inputs), settings.threshold)
    adjustments: Adjustments | None = None
    seen = observed(graph, hop, inputs, settings)
    exponents = find_exponents(graph, hop, inputs)
    if exponents:
        equal = Adjustments(exponents)
        other = observed(equal.equalized(graph), hop, inputs, settings)
        if _is_better(yardstick, (other.graph, other.formats), (graph, seen.formats)):
            adjustments, seen = equal, other
    formats: Formats = seen.formats
    pareto: tuple[Candidate, ...] = ()
    if settings.budget is not None:
        mixed = mix(
            seen.graph,
            hop,
            formats,
            seen.calibration.tensors,
            yardstick,
            settings.budget,
            lambda done, of: on_part("choosing precisions", done, of),
        )
        formats, pareto = mixed.formats, mixed.pareto
    corrections = find_corrections(
        seen.graph, formats, hop, inputs, lambda done, of: on_part("correcting biases", done, of)
    )
    corrected = correct(seen.graph, corrections)
    if _is_better(yardstick, (corrected, formats), (seen.graph, formats)):
        adjustments = replace(adjustments or Adjustments(), corrections=corrections)
    return Preparation(adjustments, formats, pareto)


def layer_sensitivity(
    graph: Graph,
    hop: int,
    inputs: Mapping[str, Array],
    settings: Settings,
    on_part: OnPart = lambda part, done, of: None,
) -> Sensitivity:
    """What each layer does to the outputs, on the stretch of a recording that programs are compared on.

    Parameters as in `prepare`; the float graph is taken as it is.
    """
    on_part("calibrating", 0, 1)
    seen = observed(graph, hop, inputs, settings)
    yardstick = Yardstick.of(graph, stretch(stream(graph, hop), inputs), settings.threshold)
    return sensitivity(
        graph,
        seen.formats,
        seen.calibration.tensors,
        yardstick,
        lambda done, of: on_part("running layers in integers", done, of),
    )


def observed(graph: Graph, hop: int, inputs: Mapping[str, Array], settings: Settings) -> Observed:
    """The graph with its ranges, and formats in which everything is stored alike."""
    calibration = calibrate(stream(graph, hop), inputs, settings.observer)
    return Observed(
        graph, assign(calibration, settings.inputs, settings.tensors, settings.states), calibration
    )


def stretch(step: Graph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The middle of a recording, in whole steps, or all of a short one."""
    total = steps_of(step, inputs)
    first = next(iter(step.inputs.values()))
    length = min(total, max(1, STRETCH // first.frames))
    start = (total - length) // 2
    return {
        name: np.take(inputs[name], range(start * t.frames, (start + length) * t.frames), t.time_axis)
        for name, t in step.inputs.items()
    }


def _is_better(yardstick: Yardstick, new: tuple[Graph, Formats], old: tuple[Graph, Formats]) -> bool:
    noise, before = (yardstick.measure(quantize(*program)).noise for program in (new, old))
    return noise < WORTH_KEEPING * before
