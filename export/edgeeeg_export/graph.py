"""The graph in the middle: typed operators on named tensors, each of which knows its time axis.

The same graph serves a whole recording and one hop of it. Operators that look back in time own explicit
state, so running all samples at once, in chunks or hop by hop differs only in how often state is carried.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from edgeeeg_export.errors import GraphError
from edgeeeg_export.ops.op import Op
from edgeeeg_export.tensor import Array, State, TensorType


@dataclass(frozen=True, slots=True)
class Node:
    """One operator at one place: tensors by name, and the module path it came from."""

    name: str
    op: Op
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    path: str = ""

    def renamed(self, names: Mapping[str, str]) -> Node:
        """The same node with other names for some of its tensors."""
        inputs = tuple(names.get(name, name) for name in self.inputs)
        return replace(self, inputs=inputs, outputs=tuple(names.get(name, name) for name in self.outputs))

    @property
    def label(self) -> str:
        """How messages name this layer: its module path and its operator."""
        return f"'{self.path or self.name}' ({self.op.kind})"


@dataclass(frozen=True, slots=True)
class Timing:
    """When the results of a streaming graph come.

    `delay` is the number of steps before the first output, `flush` how many outputs remain after the last
    sample, `behind` by how many of its own frames each tensor is late.
    """

    delay: int = 0
    flush: int = 0
    behind: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Graph:
    """A closed program: inputs, constants and nodes in execution order, outputs by name.

    `tensors`, `states`, `readers` and `makers` follow from the rest and are computed on construction.

    Raises
    ------
    GraphError
        If a node reads a tensor that nothing has produced, or a name is defined twice.
    """

    name: str
    inputs: Mapping[str, TensorType]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    timing: Timing = Timing()
    tensors: Mapping[str, TensorType] = field(init=False, repr=False)
    states: Mapping[str, tuple[State, ...]] = field(init=False, repr=False)
    readers: Mapping[str, tuple[Node, ...]] = field(init=False, repr=False)
    """The nodes that read a tensor, in order; only tensors that are read."""
    makers: Mapping[str, Node] = field(init=False, repr=False)
    """The node that computes a tensor; neither inputs nor constants."""

    def __post_init__(self) -> None:
        tensors = dict(self.inputs)
        tensors |= {name: constant_type(value) for name, value in self.constants.items()}
        states: dict[str, tuple[State, ...]] = {}
        readers: dict[str, list[Node]] = {}
        makers: dict[str, Node] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                readers.setdefault(name, []).append(node)
            types = tuple(self._known(tensors, name, node.label) for name in node.inputs)
            try:
                produced = node.op.infer(types)
            except GraphError as error:
                raise GraphError(f"layer {node.label}: {error}") from error
            for name, type_ in zip(node.outputs, produced, strict=True):
                if name in tensors:
                    raise GraphError(f"layer {node.label} defines tensor '{name}' a second time")
                tensors[name] = type_
                makers[name] = node
            states[node.name] = _own_states(node, types)
        for name in self.outputs:
            self._known(tensors, name, "the graph's outputs")
        if len(states) != len(self.nodes):
            raise GraphError("two nodes bear one name")
        self._set(
            inputs=self.inputs,
            constants=self.constants,
            tensors=tensors,
            states=states,
            readers={name: tuple(nodes) for name, nodes in readers.items()},
            makers=makers,
        )

    def _set(self, **mappings: Mapping[str, Any]) -> None:
        for attribute, value in mappings.items():
            object.__setattr__(self, attribute, MappingProxyType(dict(value)))

    @staticmethod
    def _known(tensors: Mapping[str, TensorType], name: str, reader: str) -> TensorType:
        if name not in tensors:
            raise GraphError(f"{reader} reads tensor '{name}', which nothing before it produces")
        return tensors[name]

    def types(self, names: tuple[str, ...]) -> tuple[TensorType, ...]:
        """The types of these tensors."""
        return tuple(self.tensors[name] for name in names)

    def consumers(self, name: str) -> tuple[Node, ...]:
        """The nodes that read a tensor."""
        return self.readers.get(name, ())

    def with_nodes(self, nodes: tuple[Node, ...], constants: Mapping[str, Array] | None = None) -> Graph:
        """The same graph with other nodes, less the constants that no node reads any more."""
        constants = self.constants if constants is None else constants
        used = {name for node in nodes for name in node.inputs} | set(self.outputs)
        kept = {name: value for name, value in constants.items() if name in used}
        return Graph(self.name, self.inputs, self.outputs, nodes, kept, self.timing)

    def places(self, nodes: tuple[Node, ...]) -> tuple[int, ...]:
        """Where these nodes stand in the order of execution."""
        names = [node.name for node in self.nodes]
        return tuple(names.index(node.name) for node in nodes)

    def replacing(
        self, out: tuple[Node, ...], into: tuple[Node, ...], constants: Mapping[str, Array]
    ) -> Graph:
        """The same graph with other nodes in the place of the last of `out`, and constants that they need.

        Where all that is read of the old nodes keeps its type, the rest of the graph needs no second look: a
        rewrite at one place costs as much in a deep graph as in a shallow one.
        """
        gone = sorted(self.places(out))
        kept = list(self.nodes)
        for k in reversed(gone):
            del kept[k]
        at = gone[-1] + 1 - len(gone)
        nodes = (*kept[:at], *into, *kept[at:])
        changed = self._patched(out, into, nodes, kept[:at], constants)
        return self.with_nodes(nodes, {**self.constants, **constants}) if changed is None else changed

    def _patched(
        self,
        out: tuple[Node, ...],
        into: tuple[Node, ...],
        nodes: tuple[Node, ...],
        before: list[Node],
        constants: Mapping[str, Array],
    ) -> Graph | None:
        """This graph with `into` behind `before`, in what `out` made and read; None if more has changed."""
        lost = {name: self.tensors[name] for node in out for name in node.outputs}
        names = {node.name for node in out}
        tensors = {name: type_ for name, type_ in self.tensors.items() if name not in lost}
        if not tensors.keys().isdisjoint(constants):
            return None
        tensors |= {name: constant_type(value) for name, value in constants.items()}
        known = {name for node in before for name in node.outputs} | self.inputs.keys()
        known |= self.constants.keys() | constants.keys()
        states = {name: kept for name, kept in self.states.items() if name not in names}
        makers = {name: node for name, node in self.makers.items() if name not in lost}
        for node in into:
            if not known.issuperset(node.inputs) or node.name in states:
                return None
            types = tuple(tensors[name] for name in node.inputs)
            for name, type_ in zip(node.outputs, node.op.infer(types), strict=True):
                if name in tensors:
                    return None
                tensors[name], makers[name] = type_, node
                known.add(name)
            states[node.name] = _own_states(node, types)
        if any(tensors.get(name) != type_ and self._is_read(name, names) for name, type_ in lost.items()):
            return None
        touched = dict.fromkeys(name for node in (*out, *into) for name in node.inputs)
        readers = dict(self.readers)
        for name in touched:
            readers[name] = tuple([node for node in nodes if name in node.inputs])
        unread = {name for name in (*touched, *constants) if not readers.get(name)}
        every = {**self.constants, **constants}
        dropped = {name for name in unread if name in every and name not in self.outputs}
        patched = object.__new__(Graph)
        for attribute in ("name", "outputs", "timing"):
            object.__setattr__(patched, attribute, getattr(self, attribute))
        object.__setattr__(patched, "nodes", nodes)
        patched._set(
            inputs=self.inputs,
            constants={name: value for name, value in every.items() if name not in dropped},
            tensors={name: type_ for name, type_ in tensors.items() if name not in dropped},
            states=states,
            readers={name: those for name, those in readers.items() if those},
            makers=makers,
        )
        return patched

    def _is_read(self, name: str, names: set[str]) -> bool:
        """Whether a tensor is an output, or read by other nodes than those of these names."""
        return name in self.outputs or any(node.name not in names for node in self.consumers(name))

    def inputs_with(self, n_samples: int) -> dict[str, TensorType]:
        """The types of the inputs over `n_samples` samples instead of those the graph was captured with."""
        inputs = {}
        for name, type_ in self.inputs.items():
            frames = n_samples if type_.time_axis is None else int(n_samples / type_.samples_per_frame)
            shape = tuple(frames if i == type_.time_axis else e for i, e in enumerate(type_.shape))
            inputs[name] = replace(type_, shape=shape)
        return inputs

    def with_frames(self, n_samples: int) -> Graph:
        """The same graph over `n_samples` samples of its inputs."""
        return Graph(self.name, self.inputs_with(n_samples), self.outputs, self.nodes, self.constants)

    def all_states(self) -> tuple[State, ...]:
        """Every state in execution order."""
        return tuple(state for node in self.nodes for state in self.states[node.name])

    @property
    def hash(self) -> str:
        """SHA-256 of structure, attributes and weights: 64 hexadecimal characters."""
        digest = hashlib.sha256()
        structure = {
            "inputs": [[name, *describe(type_)[:3]] for name, type_ in self.inputs.items()],
            "outputs": self.outputs,
            "timing": [self.timing.delay, self.timing.flush],
            "nodes": [[n.name, *describe_op(n.op), n.inputs, n.outputs] for n in self.nodes],
        }
        digest.update(json.dumps(structure, sort_keys=True).encode())
        for name in sorted(self.constants):
            value = np.ascontiguousarray(self.constants[name])
            value = value.astype(value.dtype.newbyteorder("<"))
            digest.update(f"{name}{value.shape}{kind(value)}".encode())
            digest.update(value.tobytes())
        return digest.hexdigest()


def _own_states(node: Node, types: tuple[TensorType, ...]) -> tuple[State, ...]:
    """The states of a node, named after it."""
    return tuple(replace(state, name=f"{node.name}.{state.name}") for state in node.op.states(types))


def constant_type(value: Array) -> TensorType:
    """The type of a constant."""
    return TensorType(value.shape, dtype=value.dtype.name)  # type: ignore[arg-type]


def kind(value: Array) -> str:
    """Nothing for float32, so that a float program keeps its hash; the type of any other."""
    return "" if value.dtype == np.float32 else value.dtype.name


def describe(record: Any) -> list[Any]:
    """A dataclass as a list of its fields, in their order."""
    values = (getattr(record, item.name) for item in fields(record))
    return [str(v) if isinstance(v, Fraction) else v for v in values]


def describe_op(op: Op) -> tuple[str, list[Any]]:
    """An operator as its kind and attributes; one that holds others describes those too."""
    return op.kind, [_described(value) for value in describe(op)]


def _described(value: Any) -> Any:
    if isinstance(value, Op):
        return describe_op(value)
    return [_described(item) for item in value] if isinstance(value, tuple) else value
