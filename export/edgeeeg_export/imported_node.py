"""An ONNX node as the operators' `from_onnx` see it: names, attributes, constants and types."""

from __future__ import annotations

import ast
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import onnx

from edgeeeg_export.errors import UnsupportedOperator
from edgeeeg_export.ops.op import Body
from edgeeeg_export.tensor import TensorType


class Surroundings(Protocol):
    """What an import knows when it reaches a node."""

    @property
    def constants(self) -> MutableMapping[str, np.ndarray]:
        """Values known by name."""

    @property
    def types(self) -> Mapping[str, TensorType]:
        """Types of the tensors known so far."""

    @property
    def read(self) -> set[str]:
        """What nodes and outputs read."""

    @property
    def opsets(self) -> Sequence[onnx.OperatorSetIdProto]:
        """Versions of the standard."""

    def import_body(self, graph: onnx.GraphProto, inputs: tuple[TensorType, ...], label: str) -> Body:
        """Import a graph inside a node."""


def operator_key(proto: onnx.NodeProto) -> tuple[str, str]:
    """Domain and operator, the standard's own domain as ''."""
    return ("" if proto.domain == "ai.onnx" else proto.domain, proto.op_type)


def node_label(proto: onnx.NodeProto) -> str:
    """How messages name a node: its module path and its operator."""
    return f"'{module_path(proto) or proto.name or proto.output[0]}' ({proto.op_type})"


@dataclass(slots=True)
class ImportedNode:
    """An ONNX node as the operators' `from_onnx` see it."""

    proto: onnx.NodeProto
    importing: Surroundings
    path: str = field(init=False)
    label: str = field(init=False)

    def __post_init__(self) -> None:
        self.path = module_path(self.proto)
        self.label = node_label(self.proto)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs, without trailing omitted ones."""
        names = list(self.proto.input)
        while names and not names[-1]:
            names.pop()
        return tuple(names)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return tuple(self.proto.output)

    def used(self, index: int) -> bool:
        """Whether a node or the graph's outputs read this output."""
        return index < len(self.proto.output) and self.proto.output[index] in self.importing.read

    @property
    def opset(self) -> int:
        """The version of the standard's operators."""
        versions = {entry.domain: entry.version for entry in self.importing.opsets}
        return int(versions.get("", 0) or versions["ai.onnx"])

    def attribute(self, name: str, default: Any) -> Any:
        """The value of an attribute, strings decoded."""
        for attribute in self.proto.attribute:
            if attribute.name == name:
                value = onnx.helper.get_attribute_value(attribute)
                return value.decode() if isinstance(value, bytes) else value
        return default

    def known_constant(self, name: str) -> np.ndarray:
        """A constant by name, or the error that it is computed at run time."""
        if name not in self.importing.constants:
            raise self.refuse(f"its operand '{name}' is computed at run time and must be constant")
        return self.importing.constants[name]

    def constant(self, index: int) -> np.ndarray | None:
        """The value of a constant input; None where it is absent."""
        if index >= len(self.proto.input) or not self.proto.input[index]:
            return None
        return self.known_constant(self.proto.input[index])

    def is_constant(self, index: int) -> bool:
        """Whether an input is there and its value is known."""
        return index < len(self.proto.input) and self.proto.input[index] in self.importing.constants

    def type(self, index: int) -> TensorType:
        """The type of an input."""
        name = self.proto.input[index]
        if name in self.importing.types:
            return self.importing.types[name]
        return TensorType(tuple(self.known_constant(name).shape))

    def body(self, name: str, inputs: tuple[TensorType, ...]) -> Body:
        """The graph that an attribute holds, on inputs of these types."""
        return self.importing.import_body(self.attribute(name, None), inputs, self.label)

    def add_constant(self, value: np.ndarray, purpose: str) -> str:
        """Put a derived value into the graph."""
        name = f"{self.proto.output[0]}.{purpose}"
        self.importing.constants[name] = np.ascontiguousarray(value, dtype=np.float32)
        return name

    def refuse(self, reason: str) -> UnsupportedOperator:
        """The error to raise when this use of the operator is outside the set."""
        return UnsupportedOperator(f"layer {self.label}: {reason}")


def module_path(proto: onnx.NodeProto) -> str:
    """The module a node came from: torch's exporter records the scopes, others have only the node's name."""
    for prop in proto.metadata_props:
        if prop.key == "pkg.torch.onnx.name_scopes":
            scopes = [scope for scope in ast.literal_eval(prop.value)[:-1] if scope]
            return str(scopes[-1]) if scopes else ""
    return proto.name.strip("/").replace("/", ".")
