"""Precision by layer: which tensors a layer owns, and formats in which it computes in int8, int16 or floats.

A layer is what one module of the model computes. It computes in integers if what it reads and what it makes
is stored so; the precision of a layer is that of what it makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from edgeeeg_export.graph import Graph, Node, describe_op
from edgeeeg_export.quantize.format import Format, Formats
from edgeeeg_export.quantize.observers import Range
from edgeeeg_export.quantize.post_training import quantize

Precision = Literal["int8", "int16", "float32"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
"""From the coarsest to the finest."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A module of the model by its path, its operators, and the tensors that it makes and reads."""

    name: str
    operators: tuple[str, ...]
    makes: tuple[str, ...]
    reads: tuple[str, ...]


def layers_with_integers(graph: Graph, formats: Formats) -> tuple[Layer, ...]:
    """The layers of which these formats make any computation one of integers, in the order of the graph."""
    floats = {node.name: describe_op(node.op) for node in graph.nodes}
    changed = {
        node.name
        for node in quantize(graph, formats).nodes
        if node.name in floats and describe_op(node.op) != floats[node.name]
    }
    groups: dict[str, list[Node]] = {}
    for node in graph.nodes:
        groups.setdefault(node.path or node.name, []).append(node)
    return tuple(
        _layer(graph, name, nodes)
        for name, nodes in groups.items()
        if any(node.name in changed for node in nodes)
    )


def at_precisions(
    formats: Formats, ranges: Mapping[str, Range], layers: tuple[Layer, ...], chosen: Mapping[str, Precision]
) -> dict[str, Format]:
    """The formats with each layer that is named at its precision, and the others as they are."""
    precision = {name: chosen[layer.name] for layer in layers if layer.name in chosen for name in layer.makes}
    return {
        name: ranges[name].format(precision[name]) if name in precision else own
        for name, own in formats.items()
    }


def alone(
    graph: Graph, formats: Formats, ranges: Mapping[str, Range], layer: Layer, precision: Precision
) -> dict[str, Format]:
    """Formats in which this layer is at a precision, with what it reads, and all else is float32."""
    kept = {*graph.inputs, *(name for name in formats if name not in graph.tensors)}
    near = {*layer.makes, *layer.reads} - kept
    return {
        name: own if name in kept else ranges[name].format(precision if name in near else "float32")
        for name, own in formats.items()
    }


def _layer(graph: Graph, name: str, nodes: list[Node]) -> Layer:
    makes = tuple(output for node in nodes for output in node.outputs)
    reads = dict.fromkeys(
        source
        for node in nodes
        for source in node.inputs
        if source not in graph.constants and source not in makes
    )
    operators = tuple(dict.fromkeys(node.op.kind for node in nodes))
    return Layer(name, operators, makes, tuple(reads))
