"""Layers that work element by element: a table for a function of one tensor, integers for sums and products.

What depends on one tensor alone, over however many layers (x · sigmoid(x), or an error function with its
scale and its offset), is one table of it: rounded once, and what lies between is computed only if it is read.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.graph import Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.div import Div
from edgeeeg_export.ops.interpolated_table import InterpolatedTable
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.per_window import PerWindow
from edgeeeg_export.ops.pointwise import Broadcast, Unary
from edgeeeg_export.ops.quantized_add import QuantizedAdd
from edgeeeg_export.ops.quantized_affine import QuantizedAffine
from edgeeeg_export.ops.quantized_mean import QuantizedMean
from edgeeeg_export.ops.quantized_mul import QuantizedMul
from edgeeeg_export.ops.quantized_relu import QuantizedRelu
from edgeeeg_export.ops.reduce_mean import ReduceMean
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.sub import Sub
from edgeeeg_export.ops.table import Table
from edgeeeg_export.quantize.format import Format
from edgeeeg_export.quantize.integer_program import Affine, IntegerProgram, ValueFunction
from edgeeeg_export.tensor import Array

STRAIGHT = 1 / 512
"""Of its range: how far a function may be off the lines between the nodes of a table of int16."""


def exact_relu(program: IntegerProgram, node: Node, op: Op) -> bool:
    """No table where both sides are in the same steps."""
    x = program.offered(node.inputs[0]) if type(op) is Relu else None
    if x is None or x.format != program.format_of(node.outputs[0]):
        return False
    program.make(node, QuantizedRelu(), (x.name,), x.format)
    return True


def rescaled(program: IntegerProgram, node: Node, op: Op) -> bool:
    """A product with one positive number: the same integers, each worth as much more."""
    constants = program.graph.constants
    varying = [name for name in node.inputs if name not in constants]
    factors = [constants[name] for name in node.inputs if name in constants]
    if type(op) is not Mul or len(varying) != 1:
        return False
    if len(factors) != 1 or factors[0].size != 1 or not 0 < factors[0].item() < np.inf:
        return False
    x, (output,) = program.offered(varying[0]), node.outputs
    if (
        x is None
        or program.graph.tensors[varying[0]] != program.graph.tensors[output]
        or program.stays_float(output)
    ):
        return False
    worth = float(x.scale * np.float32(factors[0].item()))
    if not 0 < worth < np.inf:
        return False
    program.integers[output] = replace(x, format=replace(x.format, scale=worth))
    found = _function(program, node, op)
    if found is not None:
        program.tabulate(output, found, program.format_of(output))
    return True


def one_value(program: IntegerProgram, node: Node, op: Op) -> bool:
    """A function of one tensor in integers, and of single numbers: a table in the steps of the result."""
    found = _function(program, node, op)
    if found is None:
        return False
    y, x = program.format_of(node.outputs[0]), program.integers[found.source]
    made: Op = Table()
    table: Array | None = quantmath.quantize(found.values, np.float32(y.scale), y.width)
    if x.width == "int16":
        made, table = InterpolatedTable(y.width), _nodes(program, found, y)
    if table is None:
        return False
    program.make(node, made, (x.name, program.shared_constant(node, "table", table)), y)
    program.tabulate(node.outputs[0], found, y)
    return True


def _nodes(program: IntegerProgram, function: ValueFunction, y: Format) -> Array | None:
    """Every 256th value for an `InterpolatedTable`; None if the function is not nearly straight between."""
    source = program.integers[function.source]
    # one node beyond the largest integer; the integers just below it never occur, as they saturate
    last = 2 * function.values[-1] - function.values[-2]
    nodes = np.append(function.values[::256], last)
    fine = y.scale / 256 if y.width == "int8" else y.scale
    table = quantmath.quantize(nodes, np.float32(fine), "int16")
    x = quantmath.every(source.width)
    (result,), _ = InterpolatedTable(y.width).run((x, table), ())
    exact = quantmath.quantize(function.values, np.float32(y.scale), y.width)
    off = np.abs(np.subtract(result, exact, dtype=np.int32)).max()
    return table if off <= max(1, STRAIGHT * quantmath.HIGH[y.width]) else None


def _function(program: IntegerProgram, node: Node, op: Op) -> ValueFunction | None:
    """What the layer makes of one tensor's integers; None if of several, or if it is not finite for each."""
    if not isinstance(op, Unary | Broadcast) or program.stays_float(node.outputs[0]):
        return None
    constants = program.graph.constants
    varying = [name for name in node.inputs if name not in constants]
    if not varying or any(constants[name].size != 1 for name in node.inputs if name in constants):
        return None
    if not all(program.offered(name) for name in varying):
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
    """The sum, the difference or the product of two tensors."""
    if type(op) not in (Add, Sub, Mul) or program.stays_float(node.outputs[0]):
        return False
    left, right = (program.offered(name) for name in node.inputs)
    if left is None or right is None:
        return False
    y = program.format_of(node.outputs[0])
    scale = np.float32(y.scale)
    made: Op
    if type(op) is Mul:
        made = QuantizedMul(float(left.scale * right.scale / scale), width=y.width)
    else:
        b = float(right.scale / scale)
        made = QuantizedAdd(float(left.scale / scale), -b if type(op) is Sub else b, width=y.width)
    names = (left.name, right.name)
    program.make(node, program.wrapped(node, made, names), names, y)
    return True


def gain_and_offset(program: IntegerProgram, node: Node, op: Op) -> bool:
    """Products and sums with constants that differ from channel to channel: one rounding for all in a row."""
    if type(op) not in (Add, Sub, Mul, Div) or program.stays_float(node.outputs[0]):
        return False
    constants, graph = program.graph.constants, program.graph
    varying = [name for name in node.inputs if name not in constants]
    if len(varying) != 1 or (type(op) is Div and varying[0] != node.inputs[0]):
        return False
    ((_, value),) = ((name, constants[name]) for name in node.inputs if name in constants)
    x, (output,) = varying[0], node.outputs
    if graph.tensors[x].shape != graph.tensors[output].shape or program.offered(x) is None:
        return False
    before = program.affine.get(x, Affine(x, np.ones((), np.float32), np.zeros((), np.float32)))
    after = before.then(op, value.astype(np.float32), constant_first=varying[0] == node.inputs[1])
    if not (np.isfinite(after.gain).all() and np.isfinite(after.offset).all()):
        return False
    source, y = program.integers[after.source], program.format_of(output)
    scale, shape = np.float32(y.scale), np.broadcast_shapes(after.gain.shape, after.offset.shape)
    m = np.broadcast_to(after.gain * (source.scale / scale), shape).astype(np.float32)
    a = np.broadcast_to(after.offset / scale, shape).astype(np.float32)
    names = (
        source.name,
        program.constant(node, "multiplier", np.ascontiguousarray(m)),
        program.constant(node, "offset", np.ascontiguousarray(a)),
    )
    program.make(node, program.wrapped(node, QuantizedAffine(y.width), names), names, y)
    if not program.is_rounded(output):
        program.affine[output] = after
    return True


def mean(program: IntegerProgram, node: Node, op: Op) -> bool:
    """A mean over axes; of more elements than int32 has room for it stays in floats."""
    if type(op) is not ReduceMean:
        return False
    x, (output,) = program.offered(node.inputs[0]), node.outputs
    windows = isinstance(node.op, PerWindow)
    shape = program.graph.tensors[node.inputs[0]].shape[windows:]
    count = int(np.prod([shape[axis] for axis in op.axes]))
    if x is None or program.stays_float(output) or count * -quantmath.LOW[x.width] >= 2**31:
        return False
    y = program.format_of(output)
    multiplier = float(x.scale / np.float32(y.scale) / np.float32(count))
    made = QuantizedMean(op.axes, op.keepdims, multiplier=multiplier, width=y.width)
    program.make(node, program.wrapped(node, made, (x.name,)), (x.name,), y)
    return True
