"""Layers that move, pick or join elements: they do the same with integers."""

from __future__ import annotations

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.graph import Node
from edgeeeg_export.ops.apart import Apart
from edgeeeg_export.ops.blocks import Blocks
from edgeeeg_export.ops.concat import Concat
from edgeeeg_export.ops.frame import Frame
from edgeeeg_export.ops.gather import Gather
from edgeeeg_export.ops.max_pool import MaxPool
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.pad import Pad
from edgeeeg_export.ops.requantize import Requantize
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.slice import Slice
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.ops.windows import Windows
from edgeeeg_export.quantize.format import Format
from edgeeeg_export.quantize.integer_program import IntegerProgram

PICKS = (Reshape, Transpose, Slice, Gather, Windows, Blocks, Apart, Frame, MaxPool)
"""Operators whose results are elements of their input, whatever their type."""


def keeps_steps(op: Op) -> bool:
    """Whether the result of an operator has the steps of its input, if that is of integers."""
    return isinstance(op, PICKS) or (isinstance(op, Pad) and op.mode == "constant" and op.value == 0.0)


def move(program: IntegerProgram, node: Node, op: Op) -> bool:
    """The same operator in the same steps."""
    varying = [name for name in node.inputs if name not in program.graph.constants]
    if node.inputs[0] in program.parted:  # a slice of a layer's channels
        parts = (program.parted[node.inputs[0]],)
        program.make(node, node.op, parts, program.format_of(node.outputs[0]))
        return True
    x = program.offered(varying[0]) if keeps_steps(op) and varying == [node.inputs[0]] else None
    if x is None:
        return False
    program.make(node, node.op, (x.name, *node.inputs[1:]), x.format)
    return True


def join(program: IntegerProgram, node: Node, op: Op) -> bool:
    """A concatenation, every operand in the width of the widest and the steps of the largest range."""
    offered = [program.offered(name) for name in node.inputs] if isinstance(op, Concat) else []
    operands = [own for own in offered if own is not None]
    if not operands or len(operands) < len(offered):
        return False
    dtype: quantmath.Width = "int16" if any(own.width == "int16" for own in operands) else "int8"
    finest = 256.0 if dtype == "int16" else 1.0
    scale = max(own.format.scale / (finest if own.width == "int8" else 1.0) for own in operands)
    result = Format(dtype, float(np.float32(scale)))
    if program.is_rounded(node.outputs[0]):
        result = program.format_of(node.outputs[0])
    names = []
    for k, own in enumerate(operands):
        name = own.name
        if own.format != result:
            name = f"{node.outputs[0]}.operand.{k}"
            rescale = Requantize(float(own.scale / np.float32(result.scale)), result.width)
            program.append(node.outputs[0], f"rescale_{k}", rescale, (own.name,), name)
        names.append(name)
    program.make(node, node.op, tuple(names), result)
    return True
