"""What the contract is about: a model in all of its forms, and the samples of its inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from edgeeeg_export.errors import ExportError
from edgeeeg_export.graph import Graph
from edgeeeg_export.input_spec import InputSpec
from edgeeeg_export.lowering import Lowered
from edgeeeg_export.quantize.format import Format, Formats
from edgeeeg_export.source import Source
from edgeeeg_export.targets.c import CProgram
from edgeeeg_export.tensor import Array

Counts = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Subject:
    """The model under test in all of its forms."""

    lowered: Lowered
    source: Source | None
    program: CProgram
    inputs: tuple[InputSpec, ...]
    thresholds: tuple[float | None, ...]
    twin: Lowered | None = None
    """The same model in float32, of a program of integers: what the original is compared with."""
    formats: Formats | None = None
    """How its tensors are stored, of a program of integers."""

    @property
    def offline(self) -> Graph:
        """The graph over a recording."""
        return self.lowered.offline

    @property
    def step(self) -> Graph:
        """The graph over a step."""
        return self.lowered.step

    @property
    def hop(self) -> int:
        """Samples of one step: those of the first input."""
        return self.program.hop

    @property
    def sfreq(self) -> float:
        """Rate of the first input in Hz."""
        return self.inputs[0].sfreq

    def counts_as_they_are(self) -> dict[str, Format]:
        """Formats of the inputs: the int16 that a device is sent, without a rounding of their own."""
        return {spec.name: Format("int16", spec.count) for spec in self.inputs}

    def samples(self, counts: Counts | Mapping[str, Counts]) -> dict[str, Array]:
        """What the counts stand for: each input by name, (1, n_chans, n_times) in its unit."""
        by_name = self.by_input(counts)
        return {
            spec.name: np.ascontiguousarray(
                by_name[spec.name].T[None].astype(np.float32) * np.float32(spec.count)
            )
            for spec in self.inputs
        }

    def by_input(self, counts: Counts | Mapping[str, Counts]) -> Mapping[str, Counts]:
        """Counts of each input by name; those of a single input need none.

        Raises
        ------
        ExportError
            If they are not those of the model's inputs.
        """
        by_name = counts if isinstance(counts, Mapping) else {self.inputs[0].name: counts}
        names = [spec.name for spec in self.inputs]
        if set(by_name) != set(names):
            raise ExportError(
                f"counts were given for {', '.join(by_name)} and the model's inputs are {', '.join(names)}: "
                "give a mapping with those of each"
            )
        return by_name

    def cut(self, samples: Mapping[str, Array], start: int, stop: int) -> dict[str, Array]:
        """A stretch of every input, from one sample of the first input to before another.

        Both must be multiples of `grain`.
        """
        ticks = {name: Fraction(type_.samples_per_frame) for name, type_ in self.offline.inputs.items()}
        first = ticks[self.inputs[0].name]
        ends = {name: (int(start * first / tick), int(stop * first / tick)) for name, tick in ticks.items()}
        return {name: samples[name][:, :, slice(*ends[name])] for name in ticks}

    @property
    def grain(self) -> int:
        """The fewest samples of the first input that last whole samples of every input."""
        ticks = [Fraction(type_.samples_per_frame) for type_ in self.offline.inputs.values()]
        return math.lcm(*((tick / ticks[0]).numerator for tick in ticks))
