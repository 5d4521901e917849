"""A program of integers in the making: which tensors are there as int8, which as floats, and the nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.dequantize_linear import DequantizeLinear
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.per_window import PerWindow
from edgeeeg_export.ops.quantize_linear import QuantizeLinear
from edgeeeg_export.tensor import Array

EVERY = np.arange(-128, 128).astype(np.int8)
EVERY.setflags(write=False)


@dataclass(frozen=True, slots=True)
class ValueFunction:
    """What a tensor is worth at each integer of another, `source`: (256,) float32, in their order."""

    source: str
    values: Array


@dataclass(slots=True)
class IntegerProgram:
    """Nodes made so far; `integers` has the int8 form of a tensor and what one of its steps is worth.

    `parted` has that of a tensor of which only slices are read, each in steps of its own.

    Parameters
    ----------
    graph : Graph
        Of floats.
    scales : what one step of each tensor's int8 is worth.
    """

    graph: Graph
    scales: Mapping[str, float]
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Array] = field(init=False)
    integers: dict[str, tuple[str, float]] = field(default_factory=dict)
    parted: dict[str, str] = field(default_factory=dict)
    functions: dict[str, ValueFunction] = field(default_factory=dict)
    floats: set[str] = field(init=False)
    _shared: dict[tuple[str, tuple[int, ...], bytes], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.constants = dict(self.graph.constants)
        self.floats = {*self.graph.inputs, *self.graph.constants}

    def as_float(self, name: str) -> str:
        """The tensor as float32, made when first asked for."""
        if name not in self.floats:
            source, scale = self.integers[name]
            self.append(name, "dequantize", DequantizeLinear(scale), (source,), name)
            self.floats.add(name)
        return name

    def as_integers(self, name: str) -> tuple[str, float]:
        """The tensor as int8 and its scale, made when first asked for."""
        if name not in self.integers:
            result, scale = f"{name}.int8", self.scales[name]
            self.append(name, "quantize", QuantizeLinear(scale), (name,), result)
            self.integers[name] = (result, scale)
        return self.integers[name]

    def function_of(self, name: str) -> ValueFunction:
        """The tensor as a function of integers: of another's, or of its own."""
        if name not in self.functions:
            _, scale = self.integers[name]
            self.functions[name] = ValueFunction(name, quantmath.dequantize(EVERY, np.float32(scale)))
        return self.functions[name]

    def append(self, stem: str, what: str, op: Op, inputs: tuple[str, ...], output: str) -> None:
        """Append a node that serves the tensor `stem`."""
        maker = next((node for node in self.graph.nodes if stem in node.outputs), None)
        name = f"{maker.name if maker else stem}_{what}"
        taken = {node.name for node in self.nodes}
        while name in taken:
            name += "_"
        self.nodes.append(Node(name, op, inputs, (output,), maker.path if maker else ""))

    def make(self, node: Node, op: Op, inputs: tuple[str, ...], scale: float) -> None:
        """Append the integer form of a layer with one result."""
        result = f"{node.outputs[0]}.int8"
        self.nodes.append(replace(node, op=op, inputs=inputs, outputs=(result,)))
        self.integers[node.outputs[0]] = (result, scale)

    def make_float(self, node: Node) -> None:
        """Append a layer whose results are float32."""
        self.nodes.append(node)
        self.floats.update(node.outputs)

    def wrapped(self, node: Node, op: Op, inputs: tuple[str, ...]) -> Op:
        """The operator on each window apart, where the layer of floats is: all but constants vary."""
        if not isinstance(node.op, PerWindow):
            return op
        return PerWindow(op, tuple(name not in self.constants for name in inputs))

    def constant(self, node: Node, what: str, value: Array) -> str:
        """Add a constant of a layer and return its name."""
        name = f"{node.name}.{what}"
        self.constants[name] = value
        return name

    def shared_constant(self, node: Node, what: str, value: Array) -> str:
        """The same, once for all layers that have this value: biases of zeros, tables."""
        key = (value.dtype.name, value.shape, value.tobytes())
        if key not in self._shared:
            self._shared[key] = self.constant(node, what, value)
        return self._shared[key]
