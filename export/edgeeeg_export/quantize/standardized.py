"""Layer, instance and group norms in integers: moments of integers are exact, one factor a row is float32."""

from __future__ import annotations

import numpy as np

from edgeeeg_export.graph import Node
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.per_window import PerWindow
from edgeeeg_export.ops.quantized_standardize import LONGEST_ROW, QuantizedStandardize
from edgeeeg_export.ops.standardize import Standardize
from edgeeeg_export.quantize.integer_program import IntegerProgram


def standardized(program: IntegerProgram, node: Node, op: Op) -> bool:
    """Values less their mean, over their deviation; gains and offsets are layers of their own.

    Where something reads the moments, rows are too long, or ε vanishes beside a step of x, so that a row of
    equal values would be divided by 0, it stays in floats.
    """
    if type(op) is not Standardize or op.moments:
        return False
    x, (output,) = program.offered(node.inputs[0]), node.outputs
    shape = program.graph.tensors[node.inputs[0]].shape[isinstance(node.op, PerWindow) :]
    n = int(np.prod(shape[op.axis :], dtype=np.int64))
    if x is None or program.stays_float(output) or n >= LONGEST_ROW:
        return False
    y = program.format_of(output)
    epsilon = float(np.float32(op.epsilon * (n / float(x.scale)) ** 2))
    if not 0 < epsilon < np.inf:
        return False
    made = QuantizedStandardize(
        op.axis, epsilon, multiplier=float(np.float32(1.0) / np.float32(y.scale)), width=y.width
    )
    program.make(node, program.wrapped(node, made, (x.name,)), (x.name,), y)
    return True
