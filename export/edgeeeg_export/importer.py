"""ONNX in: a checked model becomes a graph of the closed operator set, or an error that names the layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import onnx
import onnx.inliner
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from edgeeeg_export.errors import CaptureError, UnsupportedOperator
from edgeeeg_export.graph import Graph
from edgeeeg_export.imported_node import ImportedNode, node_label, operator_key
from edgeeeg_export.ops import FROM_ONNX, NEAREST_REWRITE
from edgeeeg_export.ops.op import Body
from edgeeeg_export.placement import Placement, Semantics
from edgeeeg_export.tensor import Array, TensorType

OPSETS = range(13, 27)
"""Versions of the standard whose operators mean the same as those of the set."""

RANDOM = (
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
)
"""Operators that would be folded into other constants at every import."""

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

    Of a streaming graph every layer runs along time as far as it can; what needs its whole window reads
    windows as long as the model was captured with (`placement`).

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
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    inputs = {
        value.name: _stream_type(value, ticks.get(value.name, 1)) if streaming else _tensor_type(value)
        for value in model.graph.input
        if value.name not in constants
    }
    importing = _Import(inputs, constants, _read_names(model.graph), list(model.opset_import), semantics)
    for proto in model.graph.node:
        importing.take(proto)
    outputs = tuple(value.name for value in model.graph.output)
    if semantics == "windowed":
        importing.placement.window_outputs(outputs)
    return Graph(
        name, importing.inputs, outputs, tuple(importing.placement.nodes), importing.operands(outputs)
    )


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
        elif proto.op_type not in ("If", "CastLike") and operator_key(proto) not in FROM_ONNX:
            reasons.append(_outside(proto))
    return tuple(reasons)


def _outside(proto: onnx.NodeProto) -> str:
    remedy = NEAREST_REWRITE.get(proto.op_type, "rewrite it with the operators in docs/operators.md")
    return f"layer {node_label(proto)}: {proto.op_type} is outside the operator set; {remedy}"


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


class _Import:
    """One pass over the nodes: constants known so far, types of run-time tensors, operators made."""

    def __init__(
        self,
        inputs: dict[str, TensorType],
        constants: dict[str, np.ndarray],
        read: set[str],
        opsets: Sequence[onnx.OperatorSetIdProto],
        semantics: Semantics,
    ) -> None:
        self.constants = constants
        self.inputs = inputs
        self.placement = Placement(inputs, semantics, self)
        self.read = read
        self.whole: set[str] = set()
        self.opsets = opsets

    @property
    def types(self) -> dict[str, TensorType]:
        """Types of the tensors known so far."""
        return self.placement.types

    def take(self, proto: onnx.NodeProto) -> None:
        """Fold one node into constants, or append its operators."""
        if proto.op_type in RANDOM:
            raise UnsupportedOperator(
                f"layer {node_label(proto)}: {proto.op_type} draws random numbers, so no two runs would "
                "agree; make them a buffer of the model, or leave them to training"
            )
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
        if operator_key(proto) not in FROM_ONNX:
            raise UnsupportedOperator(_outside(proto))
        self.placement.place(node)

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

    def import_body(self, graph: onnx.GraphProto, inputs: tuple[TensorType, ...], label: str) -> Body:
        """Import a graph inside a node; its constants go into the graph around it under names of their own.

        Raises
        ------
        UnsupportedOperator
            If an operator of it is outside the set, carries a state, or reads what varies around it.
        """
        names = tuple(value.name for value in graph.input)
        outputs = tuple(value.name for value in graph.output)
        made = {name for node in graph.node for name in node.output}
        varying = set(self.types).difference(self.constants, names, made)
        for name in sorted(_read_names(graph) & varying):
            raise UnsupportedOperator(
                f"layer {label}: its body reads '{name}' of the graph around it, which varies; scan it too"
            )
        own = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        inner = _Import(
            dict(zip(names, inputs, strict=True)),
            self.constants | own,
            _read_names(graph),
            self.opsets,
            "continuous",
        )
        for proto in graph.node:
            inner.take(proto)
        nodes = inner.placement.nodes
        for node in nodes:
            if node.op.states(tuple(inner.types[name] for name in node.inputs)):
                raise UnsupportedOperator(f"layer {label}: {node.label} inside it has a state of its own")
        known = inner.operands(outputs)
        renamed = {name: f"{graph.name}.{name}" for name in known}
        self.constants.update({renamed[name]: value for name, value in known.items()})
        operators = tuple((n.op, n.renamed(renamed).inputs, n.outputs) for n in nodes)
        shapes = {name: type_.shape for name, type_ in inner.types.items()}
        shapes |= {renamed[name]: value.shape for name, value in known.items()}
        results = tuple(renamed.get(name, name) for name in outputs)
        return Body(operators, names, results, tuple(renamed.values()), shapes)

    def operands(self, outputs: tuple[str, ...]) -> dict[str, Array]:
        """The constants that operators or outputs read, as float32.

        Raises
        ------
        CaptureError
            If one holds a value that is not finite: a training run that diverged.
        """
        used = {name for node in self.placement.nodes for name in node.inputs} | set(outputs)
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
