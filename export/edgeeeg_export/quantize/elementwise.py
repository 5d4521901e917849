"""Layers that work element by element: a table for a function of one tensor, integers for sums and products.

What depends on one tensor alone, over however many layers (x · sigmoid(x), or an error function with its
scale and its offset), is one table of it: rounded once, and what lies between is computed only if it is read.
"""

from __future__ import annotations

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.graph import Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.pointwise import Broadcast, Unary
from edgeeeg_export.ops.quantized_add import QuantizedAdd
from edgeeeg_export.ops.quantized_mul import QuantizedMul
from edgeeeg_export.ops.quantized_relu import QuantizedRelu
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.table import Table
from edgeeeg_export.quantize.integer_program import IntegerProgram, ValueFunction


def exact_relu(program: IntegerProgram, node: Node, op: Op) -> bool:
    """No table where both sides have one scale."""
    x, scale = program.integers.get(node.inputs[0], ("", 0.0))
    if type(op) is not Relu or scale != program.scales[node.outputs[0]]:
        return False
    program.make(node, QuantizedRelu(), (x,), scale)
    return True


def one_value(program: IntegerProgram, node: Node, op: Op) -> bool:
    """A function of one tensor in integers, and of single numbers: a table in the steps of the result."""
    found = _function(program, node, op)
    if found is None:
        return False
    scale = program.scales[node.outputs[0]]
    x, _ = program.integers[found.source]
    table = quantmath.quantize(found.values, np.float32(scale))
    program.make(node, Table(), (x, program.shared_constant(node, "table", table)), scale)
    program.functions[node.outputs[0]] = found
    return True


def _function(program: IntegerProgram, node: Node, op: Op) -> ValueFunction | None:
    """What the layer makes of one tensor's integers; None if of several, or if it is not finite for each."""
    if not isinstance(op, Unary | Broadcast):
        return None
    constants = program.graph.constants
    varying = [name for name in node.inputs if name not in constants]
    if not varying or not all(name in program.integers for name in varying):
        return None
    if any(constants[name].size != 1 for name in node.inputs if name in constants):
        return None
    of = {name: program.function_of(name) for name in varying}
    sources = {function.source for function in of.values()}
    source = next(iter(sources))
    if len(sources) > 1 or program.graph.tensors[source] != program.graph.tensors[node.outputs[0]]:
        return None
    operands = tuple(
        of[name].values if name in of else constants[name].reshape(()).astype(np.float32)
        for name in node.inputs
    )
    with np.errstate(all="ignore"):  # at integers that may never come: what is not finite is declined
        values = op.function(operands[0]) if isinstance(op, Unary) else op.apply(operands)
    return ValueFunction(source, values) if np.isfinite(values).all() else None


def several_values(program: IntegerProgram, node: Node, op: Op) -> bool:
    """The sum or the product of two tensors of one type."""
    if type(op) not in (Add, Mul) or not all(name in program.integers for name in node.inputs):
        return False
    if len(set(program.graph.types(node.inputs))) > 1:
        return False
    (left, left_scale), (right, right_scale) = (program.integers[name] for name in node.inputs)
    scale = np.float32(program.scales[node.outputs[0]])
    made: Op
    if type(op) is Add:
        made = QuantizedAdd(float(np.float32(left_scale) / scale), float(np.float32(right_scale) / scale))
    else:
        made = QuantizedMul(float(np.float32(left_scale) * np.float32(right_scale) / scale))
    program.make(node, made, (left, right), float(scale))
    return True
