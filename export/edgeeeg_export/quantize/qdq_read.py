"""QDQ in: an ONNX model with pairs of QuantizeLinear and DequantizeLinear is taken apart.

A pair around a tensor says that it is rounded there: it goes, and what it said becomes the tensor's format. A
weight that is dequantized becomes the floats that it stands for, which round to the same integers again.

Source: ONNX operators QuantizeLinear, DequantizeLinear; ONNX Runtime, "Quantize ONNX models", QDQ format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edgeeeg.cells.state_width import WIDTHS
from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.imported_node import node_label, operator_key
from edgeeeg_export.ops import DOMAIN
from edgeeeg_export.quantize.format import Format, Storage, state_name
from edgeeeg_export.quantize.qdq_parameters import DOMAINS, Parameters
from edgeeeg_export.tensor import Array

RECURRENCES = ("GRU", "LSTM", "RNN")
"""Layers whose operand 5 is what the hidden values are at the start."""
WEIGHT_AXIS = {"Conv": 0, "Gemm": 1, "MatMul": 1}
"""Where output rows lie in the weights of a layer, its second operand."""


@dataclass(frozen=True, slots=True)
class QdqModel:
    """A QDQ model taken apart.

    Parameters
    ----------
    model : onnx.ModelProto
        Of floats, without a pair.
    formats : mapping of str to Format
        Of the tensors that had one.
    weights : mapping of str to array (n_out,)
        What a step of each output row of a layer's int8 weights is worth, by the name of its result.
    hidden : frozenset of str
        Results of recurrences with a pair on their initial state: in what steps hidden values are rounded.
    states : mapping of str to Format
        Of the states of our own recurrences, by `format.state_name`, where nodes behind them say so.
    """

    model: onnx.ModelProto
    formats: Mapping[str, Format]
    weights: Mapping[str, Array]
    hidden: frozenset[str] = frozenset()
    states: Mapping[str, Format] = field(default_factory=dict)


def is_qdq(model: onnx.ModelProto) -> bool:
    """Whether it rounds a tensor that varies; weights alone may be dequantized in a model of floats."""
    fixed = {tensor.name for tensor in model.graph.initializer}
    fixed.update(name for node in model.graph.node if not any(node.input) for name in node.output)
    return any(_is(node, "QuantizeLinear") and node.input[0] not in fixed for node in model.graph.node)


def read_qdq(model: onnx.ModelProto) -> QdqModel:
    """Take a QDQ model apart.

    Raises
    ------
    QuantizationError
        If a pair has a zero point, unsigned integers, steps per channel of an activation, or something
        between its two halves: naming the tensor and the remedy.
    """
    reading = _Reading(model)
    for node in model.graph.node:
        reading.take(node)
    return reading.result()


def float_model(model: onnx.ModelProto) -> onnx.ModelProto:
    """A QDQ model without its pairs; any other as it is."""
    return read_qdq(model).model if is_qdq(model) else model


def require_floats(model: onnx.ModelProto) -> None:
    """Raise if a model brings its own integers.

    Raises
    ------
    QuantizationError
        If it has pairs.
    """
    if is_qdq(model):
        raise QuantizationError(
            "the model has pairs of QuantizeLinear and DequantizeLinear, so its integers are given: leave "
            "out --quantize and --calibrate"
        )


def _is(node: onnx.NodeProto, kind: str) -> bool:
    return node.op_type == kind and node.domain in DOMAINS


def _is_state(node: onnx.NodeProto) -> bool:
    """Whether a node, which passes its operand on, says in what steps a state of its layer is carried."""
    return node.op_type == "StateInSteps" and node.domain == DOMAIN


class _Reading:
    """One pass over the nodes: constants so far, what a pair's result is called now, formats, nodes kept."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        self.parameters: dict[str, Parameters] = {}
        self.rounded: dict[str, tuple[str, Format]] = {}
        self.alias: dict[str, str] = {}
        self.copies: dict[tuple[str, Format], str] = {}
        self.formats: dict[str, Format] = {}
        self.weights: dict[str, Array] = {}
        self.hidden: set[str] = set()
        self.states: dict[str, Format] = {}
        self.cut: dict[str, str] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.new: dict[str, Array] = {}
        self.outputs = {value.name for value in model.graph.output}
        self.readers: dict[str, list[onnx.NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)

    def take(self, node: onnx.NodeProto) -> None:
        """Fold a node into constants, formats or names, or keep it."""
        if _is(node, "QuantizeLinear"):
            self._quantize(node)
        elif _is(node, "DequantizeLinear"):
            self._dequantize(node)
        elif _is_state(node):
            self._state(node)
        elif node.op_type == "Constant":
            value = helper.get_attribute_value(node.attribute[0])
            known = numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)
            self.constants[node.output[0]] = known
            self.nodes.append(node)
        elif node.op_type == "Clip" and node.input[0] in self.constants:
            self._clip(node)
        elif node.op_type == "Transpose" and node.input[0] in self.parameters:
            self._transpose(node)
        else:
            self._keep(node)

    def _state(self, node: onnx.NodeProto) -> None:
        """Remember the format of a state of the layer in front."""
        source = self.alias.get(node.input[0], node.input[0])
        said: dict[str, Any] = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        name, width = state_name(source, said["state"].decode()), said["width"].decode()
        if width not in WIDTHS or not 0 < said["scale"] < float("inf"):
            raise QuantizationError(
                f"state '{name}' is carried as {width} in steps of {said['scale']:g}: give it a width of "
                f"{' or '.join(WIDTHS)} and a scale above 0"
            )
        self.states[name] = Format(cast(Storage, width), float(said["scale"]))
        self.alias[node.output[0]] = source

    def _quantize(self, node: onnx.NodeProto) -> None:
        source, (result,) = node.input[0], node.output
        parameters = Parameters.of(node, self.constants)
        if source in self.constants:
            self.constants[result] = parameters.quantize(self.constants[source])
            return
        source = self.alias.get(source, source)
        form = parameters.activation(node)
        for reader in self.readers.get(result, ()):
            if not _is(reader, "DequantizeLinear"):
                raise QuantizationError(
                    f"layer {node_label(reader)} reads the integers of '{source}': put a DequantizeLinear "
                    "behind each QuantizeLinear, and layers of floats between them"
                )
        self.rounded[result] = (source, form)

    def _dequantize(self, node: onnx.NodeProto) -> None:
        source, (result,) = node.input[0], node.output
        parameters = Parameters.of(node, self.constants)
        if source in self.constants:
            self.constants[result] = self.new[result] = parameters.dequantize(self.constants[source])
            self.parameters[result] = parameters
            return
        if source not in self.rounded:
            raise QuantizationError(
                f"layer {node_label(node)} dequantizes '{source}', which no QuantizeLinear made: give the "
                "model inputs of float32, and pairs of QuantizeLinear and DequantizeLinear"
            )
        name, form = self.rounded[source]
        read = parameters.activation(node)
        if read.dtype != form.dtype:
            raise QuantizationError(
                f"'{name}' is quantized to {form.dtype} and dequantized from {read.dtype}: give both halves "
                "of the pair one type"
            )
        if read == form:
            self.alias[result] = self._formatted(name, form, result)
            return
        made = self._formatted(name, form, f"{result}.made")
        self._multiply(made, np.float32(read.scale) / np.float32(form.scale), result)

    def _formatted(self, name: str, form: Format, result: str) -> str:
        """The tensor that has this format: the source itself, if all that read it read it so; else a copy."""
        if self.formats.get(name) == form:
            return name
        key = (name, form)
        if key not in self.copies:
            others = [node for node in self._all_readers(name) if not self._rounds(node, form)]
            if name not in self.formats and not others and name not in self.outputs:
                self.formats[name] = form
                return name
            self._multiply(name, np.float32(1.0), result)
            self.formats[result] = form
            self.copies[key] = result
        return self.copies[key]

    def _multiply(self, name: str, factor: np.float32, result: str) -> None:
        self.new[f"{result}.factor"] = np.asarray(factor)
        self.nodes.append(helper.make_node("Mul", [name, f"{result}.factor"], [result], name=result))

    def _all_readers(self, name: str) -> list[onnx.NodeProto]:
        same = [name, *(alias for alias, source in self.alias.items() if source == name)]
        return [node for each in same for node in self.readers.get(each, ()) if not _is_state(node)]

    def _rounds(self, node: onnx.NodeProto, form: Format) -> bool:
        """Whether a node is the first half of a pair of this format."""
        if not _is(node, "QuantizeLinear"):
            return False
        return Parameters.of(node, self.constants).activation(node) == form

    def _clip(self, node: onnx.NodeProto) -> None:
        """Integers of weights in a narrower range than their type's."""
        low, high = (self.constants[name] if name else None for name in (*node.input[1:], "", "")[:2])
        clipped: Array = np.clip(self.constants[node.input[0]], low, high)
        self.constants[node.output[0]] = self.new[node.output[0]] = clipped

    def _transpose(self, node: onnx.NodeProto) -> None:
        """Weights that a dense layer has the other way round."""
        source, (result,) = node.input[0], node.output
        parameters, value = self.parameters[source], self.constants[source]
        given = [list(attribute.ints) for attribute in node.attribute if attribute.name == "perm"]
        order = given[0] if given else list(range(value.ndim))[::-1]
        self.constants[result] = self.new[result] = np.ascontiguousarray(value.transpose(order))
        self.parameters[result] = parameters.transposed(order)

    def _keep(self, node: onnx.NodeProto) -> None:
        """A layer of floats, under the names that its operands have now."""
        kept = onnx.NodeProto()
        kept.CopyFrom(node)
        del kept.input[:]
        kept.input.extend(self.alias.get(name, name) for name in node.input)
        _, kind = operator_key(node)
        if kind in WEIGHT_AXIS and node.input[1] in self.parameters:
            self._weights(node, kind)
        if kind == "Slice" and node.input[0] in self.parameters:
            self.cut[node.output[0]] = node.input[0]
        if kind in RECURRENCES and len(node.input) > 5:
            self._hidden(node)
        self.nodes.append(kept)

    def _hidden(self, node: onnx.NodeProto) -> None:
        """Remember that a recurrence rounds its hidden values, if a pair rounds its initial ones."""
        # torch's exporter cuts the initial values of one layer out of those of all
        start = self.cut.get(node.input[5], node.input[5])
        if start in self.parameters:
            self.formats[node.output[0]] = self.parameters[start].activation(node)
            self.hidden.add(node.output[0])

    def _weights(self, node: onnx.NodeProto, kind: str) -> None:
        """Remember the steps of a layer's weights, one for each output row."""
        weight, parameters = self.constants[node.input[1]], self.parameters[node.input[1]]
        attributes = {attribute.name: attribute for attribute in node.attribute}
        axis = WEIGHT_AXIS[kind]
        if "transB" in attributes and attributes["transB"].i:
            axis = 0
        if parameters.dtype != np.int8:
            raise QuantizationError(
                f"the weights of layer {node_label(node)} are {parameters.dtype}: quantize them to symmetric "
                "int8"
            )
        factor = np.float32(attributes["alpha"].f if "alpha" in attributes else 1.0)
        self.weights[node.output[0]] = factor * parameters.rows(weight, axis, node)

    def result(self) -> QdqModel:
        """The model of floats, its outputs under the names that they had."""
        graph = onnx.GraphProto()
        graph.CopyFrom(self.model.graph)
        nodes = [*self.nodes, *self._outputs()]
        read = {name for node in nodes for name in node.input}
        kept = [tensor for tensor in graph.initializer if tensor.name in read]
        for fields, values in ((graph.node, nodes), (graph.initializer, kept)):
            del fields[:]
            fields.extend(values)
        new = [(name, value) for name, value in self.new.items() if name in read]
        graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in new)
        del graph.value_info[:]
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        model.graph.CopyFrom(graph)
        return QdqModel(model, self.formats, self.weights, frozenset(self.hidden), self.states)

    def _outputs(self) -> list[onnx.NodeProto]:
        """What gives outputs that were the second half of a pair their names back."""
        identities = []
        for name in (value.name for value in self.model.graph.output):
            if name in self.alias:
                source = self.alias[name]
                if source != name:
                    identities.append(helper.make_node("Identity", [source], [name], name=name))
                    self.formats[name] = self.formats[source]
        return identities
