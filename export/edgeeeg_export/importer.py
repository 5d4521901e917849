"""ONNX in: a checked model becomes a graph of the closed operator set, or an error that names the layer."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from edgeeeg_export.errors import CaptureError, GraphError, UnsupportedOperator
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops import FROM_ONNX, NEAREST_REWRITE
from edgeeeg_export.ops.apart import Apart
from edgeeeg_export.ops.fresh import Fresh
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.per_window import PerWindow
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.windows import Windows
from edgeeeg_export.tensor import Array, TensorType

Semantics = Literal["continuous", "windowed"]
"""How a program runs on an endless recording: its state carried for ever, or anew in every window."""
SEMANTICS: tuple[Semantics, ...] = ("continuous", "windowed")


class Domain(IntEnum):
    """Where a tensor that varies in time lies."""

    STREAM = 0  # along time
    WINDOWS = 1  # a batch of windows
    APART = 2  # each window by itself


_Lowered = tuple[Op, tuple[str, ...], tuple[str, ...], tuple[TensorType, ...]]
"""An operator, its inputs, its outputs and their types."""

OPSETS = range(13, 27)
"""Versions of the standard whose operators mean the same as those of the set."""

INDEX_OUTPUT = {"ArgMax": 0, "ArgMin": 0, "TopK": 1}
"""The output that holds places: int64 in ONNX, whole floats in a program."""

MOVES = ("Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
"""What may be done with such a tensor, besides casting it to float: nothing that computes."""


def import_onnx(
    model: onnx.ModelProto,
    name: str,
    *,
    streaming: bool = True,
    semantics: Semantics = "continuous",
    ticks: Mapping[str, int] = MappingProxyType({}),
) -> Graph:
    """Build the graph of an ONNX model.

    Of a streaming graph every layer runs along time as far as it can. What needs its whole window (dense over
    time, global pooling, a backward recurrence, attention) reads `Windows` of its operands, as long as the
    model was captured with, and has time on the axis of the batch from there on.

    Batch dimensions that are symbolic become 1. Nodes whose inputs are all constant are folded. Tensors of
    the program are float32: truth values are 0 and 1, and what `ArgMax` and `TopK` find are whole numbers.

    Parameters
    ----------
    model : onnx.ModelProto
        Of an opset in `OPSETS`, with every other dimension known.
    name : str
        The symbol prefix of the program: a C identifier.
    streaming : bool
        Inputs are (1, channels, time), time last. Without it there is no time axis, and inputs are of any
        number and shape.
    semantics : "continuous" or "windowed"
        Whether layers with a state carry it for ever, or need their whole window too, so that every window is
        computed as if it were a recording of its own.
    ticks : mapping of str to int
        How many ticks of their common clock one sample of an input lasts; 1 for those that are not named.

    Raises
    ------
    CaptureError
        If the opset is older or newer than those known, or an input is not (1, channels, time), or has sizes
        that are unknown or zero, or is not float32.
    UnsupportedOperator
        If a node is outside the operator set; the message names the layer and the nearest rewrite.
    """
    for opset in model.opset_import:
        if opset.domain in ("", "ai.onnx") and opset.version not in OPSETS:
            raise CaptureError(
                f"the model has opset {opset.version}; export it with one from {OPSETS.start} to {OPSETS[-1]}"
            )
    importing = _Import(model, streaming, semantics, ticks)
    for proto in model.graph.node:
        importing.take(proto)
    outputs = tuple(value.name for value in model.graph.output)
    if semantics == "windowed":
        importing.window_outputs(outputs)
    return Graph(name, importing.inputs, outputs, tuple(importing.nodes), importing.operands(outputs))


def import_inputs(model: onnx.ModelProto) -> dict[str, TensorType]:
    """The streaming inputs of a model by name, as `import_onnx` has them, each with ticks of its own.

    Raises
    ------
    CaptureError
        If one is not (1, channels, time), or has sizes that are unknown or zero, or is not float32.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    return {value.name: _stream_type(value, 1) for value in model.graph.input if value.name not in weights}


def outside_the_set(model: onnx.ModelProto) -> tuple[str, ...]:
    """Every node that no operator of the set can take, named with its layer and the nearest rewrite."""
    constant = {tensor.name for tensor in model.graph.initializer}
    reasons = []
    for proto in model.graph.node:
        folded = bool(proto.input) and constant.issuperset(filter(None, proto.input))
        if folded or proto.op_type in ("Constant", "Shape", "Size"):
            constant.update(proto.output)
        elif proto.op_type not in ("If", "CastLike") and _key(proto) not in FROM_ONNX:
            reasons.append(_outside(proto))
    return tuple(reasons)


def _key(proto: onnx.NodeProto) -> tuple[str, str]:
    return ("" if proto.domain == "ai.onnx" else proto.domain, proto.op_type)


def _outside(proto: onnx.NodeProto) -> str:
    remedy = NEAREST_REWRITE.get(proto.op_type, "rewrite it with the operators in docs/operators.md")
    return f"layer {_label(proto)}: {proto.op_type} is outside the operator set; {remedy}"


def _label(proto: onnx.NodeProto) -> str:
    return f"'{_module_path(proto) or proto.name or proto.output[0]}' ({proto.op_type})"


def _read_names(graph: onnx.GraphProto) -> set[str]:
    """What nodes and outputs read, in branches too."""
    inner = (
        attribute.g
        for node in graph.node
        for attribute in node.attribute
        if attribute.type == onnx.AttributeProto.GRAPH
    )
    read = {name for node in graph.node for name in node.input if name}
    return read.union((value.name for value in graph.output), *map(_read_names, inner))


def _layer_name(path: str, kind: str) -> str:
    """Module path and operator, `mamba_selective_scan`; the path alone where it ends in that name."""
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind).strip("_")
    if not path or path.lower().endswith(snake):
        return path or snake
    return f"{path}_{snake}"


class _Import:
    """One pass over the nodes: constants known so far, types of run-time tensors, operators made."""

    def __init__(
        self, model: onnx.ModelProto, streaming: bool, semantics: Semantics, ticks: Mapping[str, int]
    ) -> None:
        self.semantics = semantics
        self.windows: dict[tuple[str, Domain], str] = {}
        self.domains: dict[str, Domain] = {}
        self.constants: dict[str, np.ndarray] = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer
        }
        self.inputs = {
            value.name: _stream_type(value, ticks.get(value.name, 1)) if streaming else _tensor_type(value)
            for value in model.graph.input
            if value.name not in self.constants
        }
        self.types: dict[str, TensorType] = dict(self.inputs)
        self.read = _read_names(model.graph)
        self.whole: set[str] = set()
        self.nodes: list[Node] = []
        self.names: set[str] = set()
        self.opsets = list(model.opset_import)

    def take(self, proto: onnx.NodeProto) -> None:
        """Fold one node into constants, or append its operators."""
        if proto.op_type == "If" and proto.input[0] in self.constants:
            self._take_branch(proto)
            return
        if proto.op_type == "Constant" or (
            proto.input and all(not name or name in self.constants for name in proto.input)
        ):
            self._fold(proto)
            return
        if proto.op_type == "CastLike" and proto.input[0] in self.constants:
            # like a run-time tensor, which is float32
            self.constants[proto.output[0]] = self.constants[proto.input[0]].astype(np.float32)
            return
        if proto.op_type in ("Shape", "Size") and proto.input[0] in self.types:
            self._fold(proto, {proto.input[0]: np.empty(self.types[proto.input[0]].shape, dtype=np.float32)})
            return
        node = ImportedNode(proto, self)
        self._follow_integers(node)
        if _key(proto) not in FROM_ONNX:
            raise UnsupportedOperator(_outside(proto))
        for op, inputs, outputs, produced in self._lower_where_it_runs(node):
            self.types.update(zip(outputs, produced, strict=True))
            domains = {self.domains.get(name, Domain.STREAM) for name in inputs if self._varies(name)}
            domain = Domain.WINDOWS if isinstance(op, Windows) else max(domains, default=Domain.STREAM)
            self.domains.update(dict.fromkeys(outputs, domain))
            unique = self._unique(_layer_name(node.path, op.kind))
            self.nodes.append(Node(unique, op, inputs, outputs, node.path))

    def _varies(self, name: str) -> bool:
        return name in self.types and self.types[name].time_axis is not None

    def _lower_where_it_runs(self, node: ImportedNode) -> list[_Lowered]:
        """Along time if it can; else on a batch of windows, if it leaves the batch alone; else on each alone.

        Where none of them will do, the reason of the last: it is the one without time.
        """
        domains = [self.domains.get(name, Domain.STREAM) for name in node.inputs if self._varies(name)]
        lowest = max(domains, default=Domain.STREAM)
        if lowest < Domain.APART:
            for domain in (d for d in (Domain.STREAM, Domain.WINDOWS) if d >= lowest):
                try:
                    return self._lower(self._reading(node, domain))
                except (GraphError, UnsupportedOperator):
                    if not domains:
                        raise
        try:
            return self._lower_apart(self._reading(node, Domain.APART))
        except (GraphError, UnsupportedOperator):
            fresh = self._lower_fresh(node) if lowest == Domain.STREAM else None
            if fresh is None:
                raise
            return fresh

    def _lower_fresh(self, node: ImportedNode) -> list[_Lowered] | None:
        """A layer of our own with a state, on windows from its initial state; None for any other node."""
        made = FROM_ONNX[_key(node.proto)](node)
        if len(made) != 1 or not all(name in self.types for name in made[0][1]):
            return None
        ((op, inputs, outputs),) = made
        operands = tuple(self.types[name] for name in inputs)
        if not op.states(operands):
            return None
        fresh = Fresh(op, tuple(type_.time_axis for type_ in operands))
        varying = tuple(type_.time_axis is not None for type_ in operands)
        apart = PerWindow(fresh, varying)
        reading = self._reading(node, Domain.APART).inputs
        results = apart.infer(tuple(self.types[name] for name in reading))
        return [(apart, reading, outputs, results)]

    def _lower(self, node: ImportedNode) -> list[_Lowered]:
        """What a node becomes, with the types of the results; an error if it needs its whole window."""
        lowered: list[_Lowered] = []
        types = dict(self.types)
        for op, inputs, outputs in FROM_ONNX[_key(node.proto)](node):
            for name in inputs:
                if name not in types:
                    types[name] = self.types[name] = TensorType(tuple(node.known_constant(name).shape))
            operands = tuple(types[name] for name in inputs)
            try:
                produced = op.infer(operands)
            except GraphError as error:
                raise GraphError(f"layer {node.label}: {error}") from error
            reason = op.obstacle(operands)
            if self.semantics == "windowed" and op.states(operands):
                reason = "it has a state, which begins anew in every window"
            if reason is not None:
                raise GraphError(f"layer {node.label} cannot stream: {reason}")
            types.update(zip(outputs, produced, strict=True))
            lowered.append((op, inputs, outputs, produced))
        return lowered

    def _lower_apart(self, node: ImportedNode) -> list[_Lowered]:
        """What a node becomes where each window is computed by itself, without a time axis."""
        types = dict(self.types)
        single = {name: TensorType(types[name].shape[1:]) for name in node.inputs if self._varies(name)}
        try:
            self.types = types | single
            lowered = self._lower(node)
            added = {name: type_ for name, type_ in self.types.items() if name not in types}
        finally:
            self.types = types
        self.types |= added
        varying = set(single)
        wrapped: list[_Lowered] = []
        known = dict(self.types)
        for op, inputs, outputs, produced in lowered:
            if not varying.intersection(inputs):
                wrapped.append((op, inputs, outputs, produced))
                known.update(zip(outputs, produced, strict=True))
                continue
            apart = PerWindow(op, tuple(name in varying for name in inputs))
            results = apart.infer(tuple(known[name] for name in inputs))
            varying.update(outputs)
            known.update(zip(outputs, results, strict=True))
            wrapped.append((apart, inputs, outputs, results))
        return wrapped

    def _reading(self, node: ImportedNode, domain: Domain) -> ImportedNode:
        """The same node reading its varying operands as windows of that kind."""
        proto = onnx.NodeProto()
        proto.CopyFrom(node.proto)
        for k, name in enumerate(node.inputs):
            if not self._varies(name):
                continue
            if self.domains.get(name, Domain.STREAM) < Domain.WINDOWS <= domain:
                name = self._window(name, node)
            if self.domains.get(name, Domain.STREAM) < Domain.APART <= domain:
                name = self._apart(name, node)
            proto.input[k] = name
        return ImportedNode(proto, self)

    def _window(self, name: str, node: ImportedNode, result: str = "") -> str:
        """The windows of a tensor, made when they are first asked for."""
        type_ = self.types[name]
        free = [k for k, n in enumerate(type_.shape) if n == 1 and k != type_.time_axis]
        if type_.time_axis is None:
            raise node.refuse(f"its operand '{name}' does not vary in time")
        if not free and (name, Domain.STREAM) not in self.windows:
            leading = f"{name}.batch"
            shape = tuple(-1 if k == type_.time_axis else n for k, n in enumerate(type_.shape))
            self._add(node, Reshape((1, *shape)), name, leading, Domain.STREAM)
            self.windows[name, Domain.STREAM] = leading
        name = self.windows.get((name, Domain.STREAM), name)
        type_ = self.types[name]
        key = (name, Domain.WINDOWS)
        if key not in self.windows:
            op = Windows(type_.time_axis or 0, 0 if not free else free[0], type_.frames)
            self.windows[key] = self._add(node, op, name, result or f"{name}.windows", Domain.WINDOWS)
        return self.windows[key]

    def _apart(self, name: str, node: ImportedNode) -> str:
        """Windows of a tensor on an axis of their own, made when they are first asked for."""
        key = (name, Domain.APART)
        if key not in self.windows:
            op = Apart(self.types[name].time_axis or 0)
            self.windows[key] = self._add(node, op, name, f"{name}.apart", Domain.APART)
        return self.windows[key]

    def _add(self, node: ImportedNode, op: Op, source: str, result: str, domain: Domain) -> str:
        """Append an operator with one operand and one result."""
        (self.types[result],) = op.infer((self.types[source],))
        self.domains[result] = domain
        unique = self._unique(_layer_name(node.path, op.kind))
        self.nodes.append(Node(unique, op, (source,), (result,), node.path))
        return result

    def window_outputs(self, outputs: tuple[str, ...]) -> None:
        """Give out windows of those outputs that run along time, each under its own name."""
        for name in outputs:
            if not self._varies(name) or self.domains.get(name, Domain.STREAM) > Domain.STREAM:
                continue
            early = f"{name}.stream"
            self.nodes = [made.renamed({name: early}) for made in self.nodes]
            self.types[early] = self.types.pop(name)
            identity = onnx.helper.make_node("Identity", [early], [name], name=name)
            self._window(early, ImportedNode(identity, self), name)

    def _follow_integers(self, node: ImportedNode) -> None:
        """Keep account of tensors that are int64 in ONNX, and refuse arithmetic on what floats hold here."""
        proto = node.proto
        read = [name for name in proto.input if name in self.whole]
        if read and proto.op_type not in (*MOVES, "Cast"):
            raise node.refuse(f"its operand '{read[0]}' is an integer at run time; cast it to float first")
        if read and proto.op_type in MOVES:
            self.whole.update(proto.output)
        if proto.op_type in INDEX_OUTPUT:
            self.whole.update(proto.output[INDEX_OUTPUT[proto.op_type] :])

    def _take_branch(self, proto: onnx.NodeProto) -> None:
        """The nodes of an If whose condition is known, under the names of its outputs."""
        wanted = "then_branch" if self.constants[proto.input[0]].all() else "else_branch"
        (branch,) = (attribute.g for attribute in proto.attribute if attribute.name == wanted)
        self.constants.update({tensor.name: numpy_helper.to_array(tensor) for tensor in branch.initializer})
        for node in branch.node:
            self.take(node)
        for inner, outer in zip(branch.output, proto.output, strict=True):
            self.take(onnx.helper.make_node("Identity", [inner.name], [outer], name=proto.name))

    def operands(self, outputs: tuple[str, ...]) -> dict[str, Array]:
        """The constants that operators or outputs read, as float32.

        Raises
        ------
        CaptureError
            If one holds a value that is not finite: a training run that diverged.
        """
        used = {name for node in self.nodes for name in node.inputs} | set(outputs)
        operands = {}
        for name, value in self.constants.items():
            if name in used:
                operands[name] = np.asarray(value, dtype=np.float32)
                if not np.isfinite(operands[name]).all():
                    raise CaptureError(
                        f"constant '{name}' {value.shape} holds NaN or infinity; train again or "
                        "repair the weights"
                    )
        return operands

    def _fold(self, proto: onnx.NodeProto, shapes: Mapping[str, np.ndarray] = MappingProxyType({})) -> None:
        """Evaluate a node once; `shapes` stands in for run-time tensors of which only the shape is read."""
        graph = onnx.helper.make_graph(
            [proto],
            "fold",
            [],
            [onnx.helper.make_empty_tensor_value_info(name) for name in proto.output],
            [
                numpy_helper.from_array(shapes[name] if name in shapes else self.constants[name], name)
                for name in proto.input
                if name
            ],
        )
        folded = onnx.helper.make_model(graph, opset_imports=self.opsets)
        self.constants.update(
            zip(proto.output, ReferenceEvaluator(folded).run(None, {}), strict=True)  # type: ignore[arg-type]
        )

    def _unique(self, wanted: str) -> str:
        stem = "".join(c if c.isalnum() else "_" for c in wanted).strip("_").lower() or "node"
        name, count = stem, 1
        while name in self.names:
            count += 1
            name = f"{stem}_{count}"
        self.names.add(name)
        return name


def _stream_type(value: onnx.ValueInfoProto, ticks: int) -> TensorType:
    """(1, channels, time), a sample of which lasts so many ticks."""
    rank = len(value.type.tensor_type.shape.dim)
    if value.type.HasField("tensor_type") and rank != 3:
        raise CaptureError(
            f"input '{value.name}' has {rank} axes; expected (batch, channels, time): export the model "
            "with that input, or insert the missing axis inside it"
        )
    shape = _tensor_type(value).shape
    if shape[0] != 1:
        raise CaptureError(f"input '{value.name}' has batch {shape[0]}; export it with batch 1")
    if value.type.tensor_type.elem_type == onnx.TensorProto.BOOL:
        raise CaptureError(f"input '{value.name}' holds truth values, not samples; make it float32")
    return TensorType(shape, 2, ticks)


def _tensor_type(value: onnx.ValueInfoProto) -> TensorType:
    """A tensor of known sizes, of floats or of truth values, with a symbolic batch of 1."""
    if not value.type.HasField("tensor_type"):
        raise CaptureError(
            f"input '{value.name}' is not a tensor; give each of its tensors a name of its own"
        )
    tensor = value.type.tensor_type
    sizes = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
    shape = [1, *sizes[1:]] if len(sizes) > 1 and sizes[0] is None else sizes
    known = tuple(extent for extent in shape if extent is not None)
    if len(known) < len(shape) or 0 in known:
        raise CaptureError(
            f"input '{value.name}' has unknown sizes {sizes}; export it with fixed channels and samples"
        )
    if tensor.elem_type not in (onnx.TensorProto.FLOAT, onnx.TensorProto.BOOL):
        raise CaptureError(f"input '{value.name}' is not float32; convert the model to float32")
    return TensorType(known)


@dataclass(slots=True)
class ImportedNode:
    """An ONNX node as the operators' `from_onnx` see it."""

    proto: onnx.NodeProto
    importing: _Import
    path: str = field(init=False)
    label: str = field(init=False)

    def __post_init__(self) -> None:
        self.path = _module_path(self.proto)
        self.label = _label(self.proto)

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

    def add_constant(self, value: np.ndarray, purpose: str) -> str:
        """Put a derived value into the graph."""
        name = f"{self.proto.output[0]}.{purpose}"
        self.importing.constants[name] = np.ascontiguousarray(value, dtype=np.float32)
        return name

    def refuse(self, reason: str) -> UnsupportedOperator:
        """The error to raise when this use of the operator is outside the set."""
        return UnsupportedOperator(f"layer {self.label}: {reason}")


def _module_path(proto: onnx.NodeProto) -> str:
    """The module a node came from: torch's exporter records the scopes, others have only the node's name."""
    for prop in proto.metadata_props:
        if prop.key == "pkg.torch.onnx.name_scopes":
            scopes = [scope for scope in ast.literal_eval(prop.value)[:-1] if scope]
            return str(scopes[-1]) if scopes else ""
    return proto.name.strip("/").replace("/", ".")
