"""ONNX out: one step of a streaming graph in standard operators, states as inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgeeeg_export.capture import OPSET
from edgeeeg_export.graph import Graph
from edgeeeg_export.ops.op import OnnxCall

IR_VERSION = 10  # what ONNX Runtime has read since 1.18
NEXT = ".next"
"""Suffix of a state's output: feed `NAME.next` back as `NAME`."""


def emit(graph: Graph, expose: Sequence[str] = ()) -> onnx.ModelProto:
    """Build and check the one-step model.

    Its inputs are the graph's, then every state; its outputs are the graph's, then `expose`, then every state
    under its name with `.next`.
    """
    builder = _Builder()
    for node in graph.nodes:
        names = tuple(state.name for state in graph.states[node.name])
        node.op.to_onnx(
            OnnxCall(
                builder,
                node.inputs,
                node.outputs,
                names,
                tuple(name + NEXT for name in names),
                graph.types(node.inputs),
                graph.types(node.outputs),
            )
        )
    states = graph.all_states()
    read = {name for node in builder.nodes for name in node.input} | set(graph.outputs)
    weights = [
        numpy_helper.from_array(np.ascontiguousarray(value), name)
        for name, value in graph.constants.items()
        if name in read  # a standard operator may make its own, such as the twiddles of a DFT
    ]
    model = helper.make_model(
        helper.make_graph(
            builder.nodes,
            graph.name,
            [_value(name, type_.shape) for name, type_ in graph.inputs.items()]
            + [_value(state.name, state.shape) for state in states],
            [_value(name, graph.tensors[name].shape) for name in (*graph.outputs, *expose)]
            + [_value(state.name + NEXT, state.shape) for state in states],
            [*weights, *builder.initializers],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="edgeeeg",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _value(name: str, shape: Sequence[int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


class _Builder:
    """Nodes and initializers in the making, with names that are the same in every run."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._known: dict[tuple[str, bytes], str] = {}

    def add(self, op_type: str, inputs: Sequence[str], name: str | None = None, **attributes: Any) -> str:
        """Append a node with one output."""
        output = name or f"{op_type.lower()}.{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(op_type, list(inputs), [output], name=f"{output}.node", **attributes)
        )
        return output

    def add_several(
        self, op_type: str, inputs: Sequence[str], count: int, **attributes: Any
    ) -> tuple[str, ...]:
        """Append a node with several outputs."""
        stem = f"{op_type.lower()}.{len(self.nodes)}"
        outputs = tuple(f"{stem}.{k}" for k in range(count))
        self.nodes.append(
            helper.make_node(op_type, list(inputs), list(outputs), name=f"{stem}.node", **attributes)
        )
        return outputs

    def constant(self, value: Any, dtype: str = "float32") -> str:
        """Add an initializer, once per value."""
        array = np.asarray(value, dtype=dtype)
        key = (f"{dtype}{array.shape}", array.tobytes())
        if key not in self._known:
            name = f"constant.{len(self._known)}"
            self.initializers.append(numpy_helper.from_array(array, name))
            self._known[key] = name
        return self._known[key]
