"""What integers do to the outputs of a model: noise, other decisions, spikes that come or go."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from edgeeeg_export import reference
from edgeeeg_export.graph import Graph
from edgeeeg_export.passes.force_spikes import spiking
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class OutputError:
    """A program of integers beside the float model on one recording.

    Parameters
    ----------
    sqnr_db : signal to quantization noise of all outputs in dB; None where every output is equal.
    decisions_flipped : share of the outputs on the other side of the threshold; None without one.
    spikes_flipped : share of all spikes and silences of all neurons that differ; None without neurons.
    """

    sqnr_db: float | None
    decisions_flipped: float | None
    spikes_flipped: float | None

    @property
    def noise(self) -> float:
        """Power of the noise for each unit of that of the signal."""
        return 0.0 if self.sqnr_db is None else 10.0 ** (-self.sqnr_db / 10.0)


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What the float model makes of a recording; programs of integers are held against it.

    Parameters
    ----------
    inputs : whole hops of every input; a state is carried from the first to the last.
    threshold : output from which on the model decides.
    """

    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]
    spikes: Mapping[str, Array]
    threshold: float | None

    @classmethod
    def of(cls, graph: Graph, inputs: Mapping[str, Array], threshold: float | None) -> Yardstick:
        """The float graph, offline, over the inputs."""
        tensors = reference.run(graph, inputs).tensors
        return cls(
            inputs,
            {name: tensors[name] for name in graph.outputs},
            {name: tensors[name] for name in spiking(graph)},
            threshold,
        )

    def measure(self, integers: Graph) -> OutputError:
        """How far a program of integers, offline, is from the float model."""
        tensors = reference.run(integers, self.inputs).tensors
        flips = None
        if self.threshold is not None:
            limit = np.float32(self.threshold)
            flips = _share(
                (tensors[name] >= limit) != (value >= limit) for name, value in self.outputs.items()
            )
        spikes = [_fired(tensors, name) != (value != 0) for name, value in self.spikes.items()]
        return OutputError(_sqnr_db(self.outputs, tensors), flips, _share(spikes) if spikes else None)


def _sqnr_db(expected: Mapping[str, Array], found: Mapping[str, Array]) -> float | None:
    signal = sum(float(np.square(value, dtype=np.float64).sum()) for value in expected.values())
    noise = sum(
        float(np.square(np.subtract(found[name], value, dtype=np.float64)).sum())
        for name, value in expected.items()
    )
    if noise == 0.0:
        return None
    # a model that says nothing but zeros has no signal: any noise is more than that
    return 10.0 * math.log10(max(signal, np.finfo(np.float64).tiny) / noise)


def _fired(tensors: Mapping[str, Array], name: str) -> Array:
    """Where a neuron fired; its spikes may be there in integers alone."""
    stored = next(each for each in (name, f"{name}.int8", f"{name}.int16") if each in tensors)
    return np.asarray(tensors[stored] != 0)


def _share(differs: Iterable[Array]) -> float:
    """Of all values."""
    each = list(differs)
    return sum(int(value.sum()) for value in each) / max(sum(value.size for value in each), 1)
