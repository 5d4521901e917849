"""What every operator can do. To add one, copy `relu.py` or, with parameters, `linear.py`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from edgeeeg_export.errors import GraphError, UnsupportedOperator
from edgeeeg_export.kernels.kernel import Kernel
from edgeeeg_export.tensor import Array, DType, State, TensorType

Pads = tuple[tuple[int, int], ...]
"""Elements before and after each axis."""


@dataclass(frozen=True, slots=True)
class CCall:
    """Where the C of one layer finds its operands: C expressions for pointers, and their types.

    `scratch` is a `float *` to as many bytes as the operator's `scratch` says; empty where that is none.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    states: tuple[str, ...]
    input_types: tuple[TensorType, ...]
    output_types: tuple[TensorType, ...]
    scratch: str = ""


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """How an operator slides along time: output o sees `reach` frames from o stride - before on.

    `before` and `after` frames of `padding` lie around the recording; negative ones are left out of it.
    """

    reach: int
    stride: int = 1
    before: int = 0
    after: int = 0
    padding: float = 0.0


class OnnxBuilder(Protocol):
    """Collects the nodes of the one-step ONNX model."""

    def add(self, op_type: str, inputs: Sequence[str], name: str | None = None, **attributes: Any) -> str:
        """Append a node with one output and return that output's name."""

    def add_several(
        self, op_type: str, inputs: Sequence[str], count: int, **attributes: Any
    ) -> tuple[str, ...]:
        """Append a node with `count` outputs and return their names."""

    def constant(self, value: Any, dtype: str = "float32") -> str:
        """Add a constant and return its name."""

    def call(
        self,
        function: str,
        body: Callable[[OnnxBuilder], None],
        formal_inputs: Sequence[str],
        formal_outputs: Sequence[str],
        inputs: Sequence[str],
        outputs: Sequence[str],
        attributes: Mapping[str, Any],
    ) -> None:
        """Append a node of our own domain, with the function that says what it computes.

        The attributes say what the body was made for; it does not read them.
        """

    def scan(
        self,
        body: Callable[[OnnxBuilder], None],
        formal_inputs: Sequence[str],
        formal_outputs: Sequence[str],
        inputs: Sequence[str],
        outputs: Sequence[str],
        types: Mapping[str, DType],
        **axes: Sequence[int],
    ) -> None:
        """Append a Scan; as many of its inputs are scanned as `scan_input_axes` has entries.

        What the body reads of the graph around it, it reads by name. Formal inputs and outputs are float32
        but for those in `types`.
        """


@dataclass(frozen=True, slots=True)
class OnnxCall:
    """Where the ONNX form of one layer finds its operands, by name, and puts its results."""

    builder: OnnxBuilder
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    states: tuple[str, ...]
    next_states: tuple[str, ...]
    input_types: tuple[TensorType, ...]
    output_types: tuple[TensorType, ...]


class Op(ABC):
    """An operator of the closed set: equation, types, NumPy reference, C and ONNX form in one file.

    Subclasses are frozen dataclasses whose fields are the operator's attributes.
    """

    __slots__ = ()
    window_axes: ClassVar[tuple[int | None, ...]] = ()
    """For a layer with a state that only knows time: the axis of each operand that is time on a window."""
    in_place: ClassVar[bool] = False
    """Whether output 0 may overwrite input 0 element by element."""
    in_place_of_any: ClassVar[bool] = False
    """Whether it may overwrite any other operand as well, where that has as many elements."""

    @property
    def kind(self) -> str:
        """The name that tables, messages and generated files use."""
        return type(self).__name__

    @property
    def core(self) -> Op:
        """What computes: the operator itself, or the one that it wraps."""
        return self

    @abstractmethod
    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """Types of the outputs.

        Raises
        ------
        GraphError
            If the shapes do not fit together.
        """

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """What the operator carries from call to call."""
        return ()

    def obstacle(self, inputs: tuple[TensorType, ...]) -> str | None:
        """Why this operator needs its whole window, and what would not; None if it runs hop by hop."""
        return None

    def with_padding(self, pads: Pads) -> Op | None:
        """This operator with zeros around its input; None if it cannot pad so."""
        return None

    def padding_behind(self, x: TensorType, pads: Pads) -> Pads | None:
        """The padding of the result that equals padding x in front of it; None if there is none."""
        return None

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """Multiply-accumulates of one call on these inputs."""
        return 0

    @abstractmethod
    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """The NumPy reference: outputs and next states, over any number of frames, bit for bit as in C."""

    def shrinks_in_place(self, inputs: tuple[TensorType, ...]) -> bool:
        """Whether output 0, of no more elements, may be written over input 0 from its start on."""
        return False

    def view(self, inputs: tuple[TensorType, ...]) -> tuple[int, ...] | None:
        """Offsets at which the outputs already lie in input 0's memory, or None if they must be computed."""
        return None

    def kernels(self, inputs: tuple[TensorType, ...]) -> tuple[Kernel, ...]:
        """The ways to compute it that the generator chooses from; none where there is but one."""
        return ()

    def scratch(self, inputs: tuple[TensorType, ...]) -> int:
        """Bytes that its kernel works in, of the arena while it runs."""
        return 0

    @abstractmethod
    def emit_c(self, call: CCall) -> str:
        """Statements that compute the outputs; operands are pointers to contiguous float."""

    @abstractmethod
    def to_onnx(self, call: OnnxCall) -> None:
        """Add nodes in standard operators that compute the outputs and next states of one call."""


class Sliding(Op):
    """An operator whose outputs may see several frames of its first input; any other sees one."""

    __slots__ = ()

    @abstractmethod
    def time_window(self, inputs: tuple[TensorType, ...]) -> TimeWindow | None:
        """What an output sees of time; None where it slides over other axes alone."""

    @abstractmethod
    def over(self, inputs: tuple[TensorType, ...], before: int, after: int) -> Sliding:
        """The same operator with other padding of time, which negative padding crops."""


def time_window(op: Op, inputs: tuple[TensorType, ...]) -> TimeWindow | None:
    """What an output of any operator sees of time; None if frame o of every output is made of frame o."""
    return op.time_window(inputs) if isinstance(op, Sliding) else None


class OnnxNode(Protocol):
    """What an operator's `from_onnx` may ask of the ONNX node it is made from."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs; an omitted optional input is ''."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""

    def used(self, index: int) -> bool:
        """Whether anything reads this output."""

    @property
    def opset(self) -> int:
        """The version of the standard's operators."""

    def attribute(self, name: str, default: Any) -> Any:
        """The value of an attribute, strings decoded, tensors as arrays."""

    def constant(self, index: int) -> np.ndarray | None:
        """The value of a constant input; None where it is absent.

        Raises
        ------
        UnsupportedOperator
            If that input is computed at run time.
        """

    def is_constant(self, index: int) -> bool:
        """Whether an input is there and its value is known."""

    def type(self, index: int) -> TensorType:
        """The type of an input."""

    def body(self, name: str, inputs: tuple[TensorType, ...]) -> Body:
        """The graph that an attribute holds, on inputs of these types.

        Raises
        ------
        UnsupportedOperator
            If an operator of it is outside the set, carries a state, or reads what varies around it.
        """

    def add_constant(self, value: np.ndarray, purpose: str) -> str:
        """Put a value derived from the node's constants into the graph and return its name."""

    def refuse(self, reason: str) -> UnsupportedOperator:
        """The error to raise when this use of the operator is outside the set; `reason` names what works."""


Lowered = tuple[tuple["Op", tuple[str, ...], tuple[str, ...]], ...]
"""What one ONNX node becomes: operators with the names of their inputs and outputs."""


@dataclass(frozen=True, slots=True)
class Body:
    """A graph inside a node: operators, and the names of its inputs, outputs and constants."""

    operators: Lowered
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    captured: tuple[str, ...]
    shapes: Mapping[str, tuple[int, ...]]
    """Of every tensor that it makes."""


def lower_one(op: Op, node: OnnxNode, inputs: tuple[str, ...] | None = None) -> Lowered:
    """One operator with the node's own inputs (or these) and outputs."""
    return ((op, node.inputs if inputs is None else inputs, node.outputs),)


def require(condition: bool, message: str) -> None:
    """Raise GraphError unless the condition holds."""
    if not condition:
        raise GraphError(message)
