"""InstanceNormalization: every channel of every item by its own mean and variance, then scale and bias."""

from __future__ import annotations

import numpy as np

from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import Lowered, OnnxNode
from edgeeeg_export.ops.standardize import Standardize


def from_onnx(node: OnnxNode) -> Lowered:
    """Standardize over the axes behind the channels, Mul and Add with constants (channels, 1, …)."""
    shape = (-1, *(1 for _ in node.type(0).shape[2:]))
    scale, bias = (
        node.add_constant(np.reshape(np.asarray(node.constant(k)), shape), purpose)
        for k, purpose in ((1, "scale"), (2, "bias"))
    )
    standard, scaled = f"{node.outputs[0]}.standard", f"{node.outputs[0]}.scaled"
    return (
        (Standardize(2, node.attribute("epsilon", 1e-5)), node.inputs[:1], (standard,)),
        (Mul(), (standard, scale), (scaled,)),
        (Add(), (scaled, bias), node.outputs),
    )
