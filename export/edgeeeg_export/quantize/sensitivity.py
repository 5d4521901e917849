"""Sensitivity: what each layer does to the outputs when it alone is of integers, and what it would spare.

Errors of layers add up only as long as they are small and nothing spikes, so both views are given: the layer
alone, all else in float32; and everything in int8 but that layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edgeeeg_export.graph import Graph
from edgeeeg_export.quantize.format import Formats
from edgeeeg_export.quantize.observers import Range
from edgeeeg_export.quantize.output_error import OutputError, Yardstick
from edgeeeg_export.quantize.post_training import quantize
from edgeeeg_export.quantize.precision import Layer, alone, at_precisions, layers_with_integers


@dataclass(frozen=True, slots=True)
class LayerSensitivity:
    """One layer: it alone in int8 and in int16, and all in int8 but what it makes.

    What reads a tensor of float32 computes in floats too, so `without` frees a layer's readers as well.
    """

    layer: str
    operators: tuple[str, ...]
    int8: OutputError
    int16: OutputError
    without: OutputError


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """All layers in the order of the graph, and the whole model in int8 and in int16."""

    layers: tuple[LayerSensitivity, ...]
    int8: OutputError
    int16: OutputError

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def sensitivity(
    graph: Graph,
    formats: Formats,
    ranges: Mapping[str, Range],
    yardstick: Yardstick,
    on_layer: Callable[[int, int], None] = lambda done, of: None,
) -> Sensitivity:
    """Run the model four times for each layer that has a form in integers.

    Parameters
    ----------
    graph : Graph
        Captured and simplified, of floats.
    formats : of its tensors and states, everything in int8.
    ranges : of its tensors.
    on_layer : told how many layers are done, of how many.
    """

    def measured(layer: Layer) -> LayerSensitivity:
        return LayerSensitivity(
            layer.name,
            layer.operators,
            yardstick.measure(quantize(graph, alone(graph, formats, ranges, layer, "int8"))),
            yardstick.measure(quantize(graph, alone(graph, formats, ranges, layer, "int16"))),
            yardstick.measure(
                quantize(graph, at_precisions(formats, ranges, layers, {layer.name: "float32"}))
            ),
        )

    layers, found = layers_with_integers(graph, formats), []
    for done, layer in enumerate(layers):
        found.append(measured(layer))
        on_layer(done + 1, len(layers))
    wide = at_precisions(formats, ranges, layers, {layer.name: "int16" for layer in layers})
    return Sensitivity(
        tuple(found), yardstick.measure(quantize(graph, formats)), yardstick.measure(quantize(graph, wide))
    )
