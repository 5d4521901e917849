"""GroupNormalization: groups of channels by their common mean and variance, then a scale and a bias each."""

from __future__ import annotations

import numpy as np

from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import Lowered, OnnxNode
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.standardize import Standardize


def from_onnx(node: OnnxNode) -> Lowered:
    """Reshape to (batch, groups, …), Standardize, and back; Mul and Add with constants (channels, 1, …)."""
    x, groups = node.type(0), node.attribute("num_groups", 1)
    if x.time_axis is not None:
        raise node.refuse(
            "it takes the mean over time, so it needs its whole window; use BatchNorm1d, which folds away, "
            "or LayerNorm over channels"
        )
    shape = (-1, *(1 for _ in x.shape[2:]))
    values = ((np.asarray(node.constant(k)), purpose) for k, purpose in ((1, "scale"), (2, "bias")))
    scale, bias = (
        # one value per group before opset 21, per channel since
        node.add_constant(np.repeat(value, x.shape[1] // value.size).reshape(shape), purpose)
        for value, purpose in values
    )
    grouped, standard, whole, scaled = (
        f"{node.outputs[0]}.{purpose}" for purpose in ("grouped", "standard", "whole", "scaled")
    )
    rest = x.size // (x.shape[0] * groups)
    return (
        (Reshape((x.shape[0], groups, rest)), node.inputs[:1], (grouped,)),
        (Standardize(2, node.attribute("epsilon", 1e-5)), (grouped,), (standard,)),
        (Reshape(x.shape), (standard,), (whole,)),
        (Mul(), (whole, scale), (scaled,)),
        (Add(), (scaled, bias), node.outputs),
    )
