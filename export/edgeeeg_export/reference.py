"""The NumPy reference: runs a graph on any number of samples, carrying its states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgeeeg_export.graph import Graph
from edgeeeg_export.tensor import Array

States = Mapping[str, tuple[Array, ...]]


@dataclass(frozen=True, slots=True)
class Result:
    """Every tensor of one run by name, and the states after it by node."""

    tensors: Mapping[str, Array]
    states: States


def initial_states(graph: Graph) -> States:
    """The states before the first sample."""
    return {name: tuple(state.start() for state in states) for name, states in graph.states.items()}


def run(graph: Graph, inputs: Mapping[str, Array], states: States | None = None) -> Result:
    """Execute every node in order, in float32, bit for bit as the generated C does.

    Parameters
    ----------
    graph : Graph
        A captured graph (offline, from zero) or a streaming one (from `states`).
    inputs : mapping of str to array
        An input with a time axis may have any number of whole hops; the rest have the graph's shapes.
    states : mapping of str to tuple of array, optional
        What a previous call returned; initial states without it.
    """
    states = initial_states(graph) if states is None else states
    tensors: dict[str, Array] = dict(graph.constants)
    tensors.update({name: np.asarray(value, dtype=np.float32, order="C") for name, value in inputs.items()})
    after: dict[str, tuple[Array, ...]] = {}
    for node in graph.nodes:
        with np.errstate(all="ignore"):  # infinities and NaN flow on, as they do in C
            outputs, after[node.name] = node.op.run(
                tuple(tensors[name] for name in node.inputs), states[node.name]
            )
        # NumPy turns arithmetic on arrays without axes into scalars
        tensors.update(zip(node.outputs, map(np.asarray, outputs), strict=True))
    return Result(tensors, after)
