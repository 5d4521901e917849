"""Mean of several tensors: y = (a + b + …) / n, as additions from the left and a division."""

from __future__ import annotations

import numpy as np

from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.div import Div
from edgeeeg_export.ops.op import Lowered, OnnxNode


def from_onnx(node: OnnxNode) -> Lowered:
    """A sum whose result is divided by the number of operands."""
    *before, (op, operands, _) = Add.from_variadic(node)
    total = f"{node.outputs[0]}.sum"
    count = node.add_constant(np.array(len(node.inputs), dtype=np.float32), "count")
    return (*before, (op, operands, (total,)), (Div(), (total, count), node.outputs))
