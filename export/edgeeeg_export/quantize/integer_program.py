"""A program of integers in the making: its nodes, and which tensors are there in integers or as floats."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.dequantize_linear import DequantizeLinear
from edgeeeg_export.ops.div import Div
from edgeeeg_export.ops.fresh import Fresh
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.per_window import PerWindow
from edgeeeg_export.ops.quantize_linear import QuantizeLinear
from edgeeeg_export.ops.requantize import Requantize
from edgeeeg_export.ops.sub import Sub
from edgeeeg_export.quantize.format import Format, Formats
from edgeeeg_export.quantize.own_integers import OwnIntegers
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class Integers:
    """The integer form of a tensor: its name, and what its integers mean."""

    name: str
    format: Format

    @property
    def scale(self) -> np.float32:
        """What one step is worth."""
        return np.float32(self.format.scale)

    @property
    def width(self) -> quantmath.Width:
        """The type of an element."""
        return self.format.width


@dataclass(frozen=True, slots=True)
class ValueFunction:
    """What a tensor is worth at each integer of another, `source`, from the lowest on: float32."""

    source: str
    values: Array


@dataclass(frozen=True, slots=True)
class Affine:
    """A tensor as gain · source + offset, both float32 that broadcast against it."""

    source: str
    gain: Array
    offset: Array

    def then(self, op: Op, value: Array, constant_first: bool) -> Affine:
        """The tensor behind one more operation with a constant."""
        if isinstance(op, Mul):
            return replace(self, gain=self.gain * value, offset=self.offset * value)
        if isinstance(op, Div):
            return replace(self, gain=self.gain / value, offset=self.offset / value)
        if isinstance(op, Sub) and constant_first:
            return replace(self, gain=-self.gain, offset=value - self.offset)
        return replace(self, offset=self.offset + (-value if isinstance(op, Sub) else value))


@dataclass(slots=True)
class IntegerProgram:
    """Nodes made so far; `integers` has the integer form of a tensor.

    `parted` has that of a tensor of which only slices are read, each in steps of its own; `states` says what
    states in integers came to be worth, by `format.state_name`.

    Parameters
    ----------
    graph : Graph
        Of floats.
    formats : Formats
        How each tensor that is not constant is to be stored.
    own : OwnIntegers, optional
        What the model says of its integers, if it was quantized elsewhere.
    """

    graph: Graph
    formats: Formats
    own: OwnIntegers | None = None
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Array] = field(init=False)
    integers: dict[str, Integers] = field(default_factory=dict)
    parted: dict[str, str] = field(default_factory=dict)
    functions: dict[str, ValueFunction] = field(default_factory=dict)
    affine: dict[str, Affine] = field(default_factory=dict)
    states: dict[str, Format] = field(default_factory=dict)
    floats: set[str] = field(init=False)
    _shared: dict[tuple[str, tuple[int, ...], bytes], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.constants = dict(self.graph.constants)
        inputs = [name for name in self.graph.inputs if not self.is_rounded(name)]
        self.floats = {*inputs, *self.graph.constants}

    def is_rounded(self, name: str) -> bool:
        """Whether the model itself rounds this tensor for all that read it."""
        return self.own is not None and name in self.own.rounded

    def as_float(self, name: str) -> str:
        """The tensor as float32, made when first asked for."""
        if name in self.floats:
            return name
        result = f"{name}.rounded" if name in self.graph.inputs else name
        if result not in self.floats:
            own = self.as_integers(name)
            self.append(name, "dequantize", DequantizeLinear(own.format.scale), (own.name,), result)
            self.floats.add(result)
        return result

    def as_integers(self, name: str) -> Integers:
        """The tensor in integers, made when first asked for."""
        if name not in self.integers:
            self._round(name, name)
        return self.integers[name]

    def offered(self, name: str) -> Integers | None:
        """The tensor in integers, if that is how it is to be stored."""
        if name in self.integers:
            return self.integers[name]
        if name in self.graph.constants or name in self.parted or self.stays_float(name):
            return None
        if self.own is not None and not self.is_rounded(name):
            return None
        return self.as_integers(name)

    def _round(self, name: str, source: str) -> None:
        """Make the integers of a tensor from its floats."""
        own = self.format_of(name)
        result = f"{name}.{own.dtype}"
        self.append(name, "quantize", QuantizeLinear(own.scale, own.width), (source,), result)
        self.integers[name] = Integers(result, own)

    def keep_rounding(self, name: str) -> None:
        """Bring integers that a layer left in its operand's steps to those in which the model rounds them."""
        if not self.is_rounded(name) or name not in self.integers:
            return
        made, wanted = self.integers[name], self.format_of(name)
        if made.format != wanted:
            result = f"{name}.requantized.{wanted.dtype}"
            op = Requantize(float(made.scale / np.float32(wanted.scale)), wanted.width)
            self.append(name, "requantize", op, (made.name,), result)
            self.integers[name] = Integers(result, wanted)

    def both_in_integers(self, x: str, y: str) -> bool:
        """Whether an operand and a result are both to be stored in integers."""
        return not (self.stays_float(x) or self.stays_float(y))

    def stays_float(self, name: str) -> bool:
        """Whether a tensor is to be stored as float32."""
        return self.format_of(name).dtype == "float32"

    def format_of(self, name: str) -> Format:
        """How a tensor is to be stored.

        Raises
        ------
        QuantizationError
            If the formats do not say.
        """
        if name not in self.formats:
            raise QuantizationError(f"the formats do not say how tensor '{name}' is stored: calibrate again")
        return self.formats[name]

    def tabulate(self, name: str, found: ValueFunction, y: Format) -> None:
        """Remember what a tensor is as a function of another: rounded, if the model rounds it."""
        if self.is_rounded(name):
            scale = np.float32(y.scale)
            values = quantmath.dequantize(quantmath.quantize(found.values, scale, y.width), scale)
            found = ValueFunction(found.source, values)
        self.functions[name] = found

    def function_of(self, name: str) -> ValueFunction:
        """The tensor as a function of integers: of another's, or of its own."""
        if name not in self.functions:
            own = self.integers[name]
            values = quantmath.dequantize(quantmath.every(own.width), own.scale)
            self.functions[name] = ValueFunction(name, values)
        return self.functions[name]

    def append(self, stem: str, what: str, op: Op, inputs: tuple[str, ...], output: str) -> None:
        """Append a node that serves the tensor `stem`."""
        maker = self.graph.makers.get(stem)
        name = f"{maker.name if maker else stem}_{what}"
        taken = {node.name for node in self.nodes}
        while name in taken:
            name += "_"
        self.nodes.append(Node(name, op, inputs, (output,), maker.path if maker else ""))

    def make(self, node: Node, op: Op, inputs: tuple[str, ...], result: Format) -> None:
        """Append the integer form of a layer with one result."""
        name = f"{node.outputs[0]}.{result.dtype}"
        self.nodes.append(replace(node, op=op, inputs=inputs, outputs=(name,)))
        self.integers[node.outputs[0]] = Integers(name, result)

    def make_float(self, node: Node) -> None:
        """Append a layer whose results are float32."""
        raw = {name: f"{name}.unrounded" for name in node.outputs if self.is_rounded(name)}
        self.nodes.append(replace(node, outputs=tuple(raw.get(name, name) for name in node.outputs)))
        self.floats.update(name for name in node.outputs if name not in raw)
        for name, source in raw.items():
            self._round(name, source)

    def wrapped(self, node: Node, op: Op, inputs: tuple[str, ...]) -> Op:
        """The operator on each window apart, where the layer of floats is: all but constants vary."""
        if not isinstance(node.op, PerWindow):
            return op
        if isinstance(node.op.op, Fresh):
            op = Fresh(op, op.window_axes[: len(inputs)])
        return PerWindow(op, tuple(name not in self.constants for name in inputs))

    def constant(self, node: Node, what: str, value: Array) -> str:
        """Add a constant of a layer and return its name."""
        name = f"{node.name}.{what}"
        self.constants[name] = value
        return name

    def shared_constant(self, node: Node, what: str, value: Array) -> str:
        """The same, once for all layers that have this value, such as a table."""
        key = (value.dtype.name, value.shape, value.tobytes())
        if key not in self._shared:
            self._shared[key] = self.constant(node, what, value)
        return self._shared[key]
