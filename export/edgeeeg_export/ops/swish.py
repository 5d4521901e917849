"""Swish: y = x sigmoid(α x), as Sigmoid and Mul; SiLU where α is 1."""

from __future__ import annotations

import numpy as np

from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import Lowered, OnnxNode
from edgeeeg_export.ops.sigmoid import Sigmoid


def from_onnx(node: OnnxNode) -> Lowered:
    """A gate and a multiplication."""
    (x,), (y,), alpha = node.inputs, node.outputs, node.attribute("alpha", 1.0)
    gate, scaled = f"{y}.gate", f"{y}.scaled"
    if alpha == 1.0:
        return ((Sigmoid(), (x,), (gate,)), (Mul(), (x, gate), (y,)))
    factor = node.add_constant(np.array(alpha), "alpha")
    return (
        (Mul(), (x, factor), (scaled,)),
        (Sigmoid(), (scaled,), (gate,)),
        (Mul(), (x, gate), (y,)),
    )
