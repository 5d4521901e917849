"""ONNX out: one step of a streaming graph in standard operators, states as inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edgeeeg_export.capture import OPSET
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops import DOMAIN
from edgeeeg_export.ops.op import OnnxCall
from edgeeeg_export.targets.onnx_builder import FUNCTIONS_VERSION, GraphBuilder
from edgeeeg_export.tensor import DType

IR_VERSION = 10  # what ONNX Runtime has read since 1.18
MICROSOFT = "com.microsoft"
"""ONNX Runtime's own operators."""
NEXT = ".next"
"""Suffix of a state's output: feed `NAME.next` back as `NAME`."""


Write = Callable[[Node, OnnxCall], None]
"""Adds the ONNX form of a layer to the builder of a call."""


def _as_computed(node: Node, call: OnnxCall) -> None:
    node.op.to_onnx(call)


def emit(graph: Graph, expose: Sequence[str] = (), write: Write = _as_computed) -> onnx.ModelProto:
    """Build and check the one-step model.

    Its inputs are the graph's, then every state; its outputs are the graph's, then `expose`, then every state
    under its name with `.next`. Layers are in the form that `write` gives them: without it that in which the
    graph computes.
    """
    builder = GraphBuilder()
    for node in graph.nodes:
        names = tuple(state.name for state in graph.states[node.name])
        call = OnnxCall(
            builder,
            node.inputs,
            node.outputs,
            names,
            tuple(name + NEXT for name in names),
            graph.types(node.inputs),
            graph.types(node.outputs),
        )
        write(node, call)
    states = graph.all_states()
    read = builder.read | set(graph.outputs)
    weights = [
        numpy_helper.from_array(np.ascontiguousarray(value), name)
        for name, value in graph.constants.items()
        if name in read  # a standard operator may make its own, such as the twiddles of a DFT
    ]
    own = [helper.make_opsetid(DOMAIN, FUNCTIONS_VERSION)] if builder.functions else []
    if any(node.domain == MICROSOFT for node in builder.nodes):
        own.append(helper.make_opsetid(MICROSOFT, 1))
    model = helper.make_model(
        helper.make_graph(
            builder.nodes,
            graph.name,
            [_value(name, type_.shape, type_.dtype) for name, type_ in graph.inputs.items()]
            + [_value(state.name, state.shape, state.dtype) for state in states],
            [
                _value(name, graph.tensors[name].shape, graph.tensors[name].dtype)
                for name in (*graph.outputs, *expose)
            ]
            + [_value(state.name + NEXT, state.shape, state.dtype) for state in states],
            [*weights, *builder.initializers],
        ),
        opset_imports=[helper.make_opsetid("", OPSET), *own],
        functions=list(builder.functions.values()),
        ir_version=IR_VERSION,
        producer_name="edgeeeg",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _value(name: str, shape: Sequence[int], dtype: DType = "float32") -> onnx.ValueInfoProto:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, kind, list(shape))
