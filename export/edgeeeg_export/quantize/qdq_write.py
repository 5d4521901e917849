"""QDQ out: a program of integers as an ONNX model of floats with a pair around each tensor that is rounded.

ONNX Runtime fuses such pairs into its kernels for integers (QLinearConv, QGemm, QLinearAdd and more).
Layers that have no form between pairs, recurrences among them, stay as they are in `model.onnx`.

Source: ONNX operators QuantizeLinear, DequantizeLinear; ONNX Runtime, "Quantize ONNX models", QDQ format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import onnx

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.average_pool import AveragePool
from edgeeeg_export.ops.concat import Concat
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.dequantize_linear import DequantizeLinear
from edgeeeg_export.ops.interpolated_table import InterpolatedTable
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import OnnxCall, Op
from edgeeeg_export.ops.quantize_linear import QuantizeLinear
from edgeeeg_export.ops.quantized_add import QuantizedAdd
from edgeeeg_export.ops.quantized_conv import QuantizedConv
from edgeeeg_export.ops.quantized_linear import QuantizedLinear
from edgeeeg_export.ops.quantized_mul import QuantizedMul
from edgeeeg_export.ops.quantized_relu import QuantizedRelu
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.requantize import Requantize
from edgeeeg_export.ops.sub import Sub
from edgeeeg_export.ops.table import Table
from edgeeeg_export.passes.rewriting import maker
from edgeeeg_export.quantize.moves import keeps_steps
from edgeeeg_export.quantize.post_training import program_of
from edgeeeg_export.quantize.qdq_steps import steps
from edgeeeg_export.quantize.quantized import Quantized
from edgeeeg_export.quantize.weighted_layers import weight_steps
from edgeeeg_export.targets import onnx_step
from edgeeeg_export.tensor import Array


def emit(graph: Graph, quantized: Quantized) -> onnx.ModelProto:
    """Build and check the QDQ model of a program of integers, over a step or over a recording.

    Its inputs, states and outputs are those of `onnx_step.emit`.

    Parameters
    ----------
    graph : Graph
        Of integers.
    quantized : what it was made from.
    """
    return onnx_step.emit(graph, write=_Writing(graph, quantized).write)


class _Writing:
    """Writes layer after layer; what was dequantized once serves every reader."""

    def __init__(self, graph: Graph, quantized: Quantized) -> None:
        self.graph = graph
        self.program = program_of(quantized.floats, quantized.formats, quantized.own)
        self.originals = {node.name: node for node in quantized.floats.nodes}
        self.steps = steps(graph, self.program)
        self.dequantized: dict[tuple[str, bytes], str] = {}

    def write(self, node: Node, call: OnnxCall) -> None:
        """Add the nodes of one layer."""
        form = FORMS.get(type(node.op))
        if form is None and keeps_steps(node.op):
            form = _moved
        varying = [name for name in call.inputs if name not in self.graph.constants]
        integers = [name for name in (*varying, *call.outputs) if self.graph.tensors[name].dtype != "float32"]
        known = bool(integers) and all(name in self.steps for name in integers)
        if form is None or not known or (type(node.op) in MADE_OF and node.name not in self.originals):
            node.op.to_onnx(call)
        else:
            form(self, node, call)

    def operands(self, node: Node, call: OnnxCall) -> tuple[str, ...]:
        """The varying operands of a layer, dequantized."""
        original = self.originals.get(node.name)
        constants = self.program.graph.constants
        read = () if original is None else tuple(name for name in original.inputs if name not in constants)
        names = [name for name in call.inputs if name in self.steps]
        if len(read) != len(names):
            return tuple(self.as_float(call, name, self.steps[name]) for name in names)
        pairs = zip(names, read, strict=True)
        return tuple(self.as_float(call, name, self.worth(name, float_name)) for name, float_name in pairs)

    def worth(self, name: str, float_name: str) -> Array:
        """What a step is worth to a layer that reads it as this tensor: maybe a multiple of what it is."""
        own = self.program.integers.get(float_name)
        if own is None or self.steps[name].ndim:
            return self.steps[name]
        return np.asarray(own.scale, dtype=np.float32)

    def as_float(self, call: OnnxCall, name: str, scale: Array) -> str:
        """A tensor of integers behind a DequantizeLinear."""
        key = (name, scale.tobytes())
        if key not in self.dequantized:
            self.dequantized[key] = self._dequantize(call, name, scale, self._axis(name))
        return self.dequantized[key]

    def constant(self, call: OnnxCall, name: str, scale: Array, axis: int) -> str:
        """Weights or biases behind a DequantizeLinear; their integers are constants of the graph."""
        return self._dequantize(call, name, scale, axis)

    def _axis(self, name: str) -> int:
        """Where channels lie in a tensor that has steps for each."""
        node = maker(self.graph, name)
        return 1 if node is None or isinstance(node.op, Conv) else -1

    def _dequantize(self, call: OnnxCall, name: str, scale: Array, axis: int) -> str:
        return self.half(call, "DequantizeLinear", name, scale, self.graph.tensors[name].dtype, axis)

    def half(
        self,
        call: OnnxCall,
        kind: str,
        value: str,
        scale: Array,
        dtype: str,
        axis: int,
        name: str | None = None,
    ) -> str:
        """One half of a pair.

        The standard's take int16 from opset 21 on, with which ONNX Runtime 1.31 turns pairs of int8 into some
        that it refuses; those of its own domain always do.
        """
        attributes: dict[str, Any] = {"axis": axis} if scale.ndim else {}
        if dtype == "int16":
            attributes["domain"] = onnx_step.MICROSOFT
        zero = call.builder.constant(np.zeros_like(scale), dtype)
        return call.builder.add(kind, (value, call.builder.constant(scale), zero), name, **attributes)

    def rounded(self, call: OnnxCall, value: str) -> None:
        """The layer's floats behind a QuantizeLinear, under the name of its integers."""
        (name,) = call.outputs
        dtype, scale = self.graph.tensors[name].dtype, self.steps[name]
        self.half(call, "QuantizeLinear", value, scale, dtype, self._axis(name), name)

    def pair(self, call: OnnxCall, value: str, scale: Array, like: str, axis: int) -> str:
        """A value rounded and dequantized again, in the type of the tensor `like`."""
        dtype = self.graph.tensors[like].dtype
        integers = self.half(call, "QuantizeLinear", value, scale, dtype, axis)
        return self.half(call, "DequantizeLinear", integers, scale, dtype, axis)

    def between(self, call: OnnxCall, op: Op, operands: tuple[str, ...]) -> None:
        """A layer of floats, its operands dequantized, its result rounded."""
        value = f"{call.outputs[0]}.float"
        types = tuple(replace(type_, dtype="float32") for type_ in (*call.input_types, *call.output_types))
        inputs, outputs = types[: len(operands)], types[len(call.input_types) :]
        op.to_onnx(replace(call, inputs=operands, outputs=(value,), input_types=inputs, output_types=outputs))
        self.rounded(call, value)


Form = Callable[[_Writing, Node, OnnxCall], None]


def _conv(writing: _Writing, node: Node, call: OnnxCall) -> None:
    """A convolution, or the average pool that became one."""
    op, original = cast(QuantizedConv, node.op), writing.originals[node.name]
    (x,) = writing.operands(node, call)
    pool = original.op.core
    if isinstance(pool, AveragePool):
        writing.between(call, replace(pool, pads=op.pads, count_include_pad=True), (x,))
        return
    operands = (x, *_weights(writing, original, call, 0))
    writing.between(call, Conv(op.strides, op.dilations, op.groups, op.pads), operands)


def _linear(writing: _Writing, node: Node, call: OnnxCall) -> None:
    """A dense layer: Gemm, which takes two axes, so that the others are merged around it, in integers too."""
    original = writing.originals[node.name]
    (x,) = writing.operands(node, call)
    operands = _weights(writing, original, call, 1)
    add, constant = call.builder.add, call.builder.constant
    shape, value = call.input_types[0].shape, f"{call.outputs[0]}.float"
    if len(shape) == 2:
        add("Gemm", (x, *operands), value)
    else:
        source, (result,) = original.inputs[0], call.outputs
        rows = add("Reshape", (x, constant([-1, shape[-1]], "int64")))
        rows = writing.pair(call, rows, writing.worth(call.inputs[0], source), call.inputs[0], 0)
        total = writing.pair(call, add("Gemm", (rows, *operands)), writing.steps[result], result, -1)
        add("Reshape", (total, constant(call.output_types[0].shape, "int64")), value)
    writing.rounded(call, value)


def _weights(writing: _Writing, original: Node, call: OnnxCall, axis: int) -> tuple[str, ...]:
    """Weights and, if the layer has one, the bias, dequantized; each output row has its own steps."""
    _, weight, *bias, _ = call.inputs
    x = writing.program.integers[original.inputs[0]]
    each = weight_steps(writing.program, original, x).ravel()
    made = writing.constant(call, weight, each, axis)
    return (made, *(writing.constant(call, name, each * x.scale, 0) for name in bias))


def _sum(writing: _Writing, node: Node, call: OnnxCall) -> None:
    """A sum, or the difference that became one of a negative factor."""
    op = Sub() if cast(QuantizedAdd, node.op).b < 0 else Add()
    writing.between(call, op, writing.operands(node, call))


def _product(writing: _Writing, node: Node, call: OnnxCall) -> None:
    writing.between(call, Mul(), writing.operands(node, call))


def _rectified(writing: _Writing, node: Node, call: OnnxCall) -> None:
    writing.between(call, Relu(), writing.operands(node, call))


def _moved(writing: _Writing, node: Node, call: OnnxCall) -> None:
    """Elements in the same steps; those of each channel, of a layer cut in parts, move as they are."""
    if writing.steps[call.inputs[0]].ndim:
        node.op.to_onnx(call)
    else:
        writing.between(call, node.op, (*writing.operands(node, call), *call.inputs[1:]))


def _joined(writing: _Writing, node: Node, call: OnnxCall) -> None:
    """Operands in the steps of the result, to which others were brought."""
    operands = tuple(writing.as_float(call, name, writing.steps[name]) for name in call.inputs)
    writing.between(call, node.op, operands)


def _quantized(writing: _Writing, node: Node, call: OnnxCall) -> None:
    writing.rounded(call, call.inputs[0])


def _dequantized(writing: _Writing, node: Node, call: OnnxCall) -> None:
    scale = np.asarray(cast(DequantizeLinear, node.op).scale, dtype=np.float32)
    (x,), (y,), dtype = call.inputs, call.outputs, call.input_types[0].dtype
    writing.half(call, "DequantizeLinear", x, scale, dtype, 0, y)


def _requantized(writing: _Writing, node: Node, call: OnnxCall) -> None:
    (x,) = writing.operands(node, call)
    writing.rounded(call, x)


def _function(writing: _Writing, node: Node, call: OnnxCall) -> None:
    """The layers that became a table, from the tensor whose integers it maps to the one that it makes."""
    program, (result,) = writing.program, call.outputs
    floats, (target,) = program.graph, writing.originals[node.name].outputs
    source = program.functions[target].source
    names = {source: writing.as_float(call, call.inputs[0], writing.worth(call.inputs[0], source))}
    type_ = replace(call.output_types[0], dtype="float32")
    for layer in _between(floats, source, target):
        (made,) = layer.outputs
        operands = tuple(
            names[name] if name in names else call.builder.constant(floats.constants[name].reshape(()))
            for name in layer.inputs
        )
        names[made] = f"{result}.{'float' if made == target else made}"
        layer.op.core.to_onnx(
            replace(
                call,
                inputs=operands,
                outputs=(names[made],),
                input_types=(type_,) * len(operands),
                output_types=(type_,),
            )
        )
        if made != target and program.is_rounded(made):
            scale = np.asarray(program.format_of(made).scale, dtype=np.float32)
            names[made] = writing.pair(call, names[made], scale, result, 0)
    writing.rounded(call, names[target])


def _between(floats: Graph, source: str, target: str) -> tuple[Node, ...]:
    """The layers that make `target` of `source`, in their order."""
    needed, layers = {target}, []
    for node in reversed(floats.nodes):
        if node.outputs[0] in needed:
            layers.append(node)
            needed |= {name for name in node.inputs if name != source and name not in floats.constants}
    return tuple(reversed(layers))


FORMS: Mapping[type[Op], Form] = MappingProxyType(
    {
        QuantizedConv: _conv,
        QuantizedLinear: _linear,
        QuantizedAdd: _sum,
        QuantizedMul: _product,
        QuantizedRelu: _rectified,
        QuantizeLinear: _quantized,
        DequantizeLinear: _dequantized,
        Table: _function,
        InterpolatedTable: _function,
        Requantize: _requantized,
        Concat: _joined,
    }
)
"""Forms between pairs; moves are found by `keeps_steps`."""
MADE_OF = (QuantizedConv, QuantizedLinear, Table, InterpolatedTable)
"""Forms that need the layer of floats; those of copies that streaming made stay in integers."""
