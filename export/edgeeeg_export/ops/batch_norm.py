"""y = x · scale + shift per channel: a foreign model's BatchNormalization, folded into constants.

scale = γ / √(variance + ε);  shift = β - mean · scale, computed in float64 and rounded once.
Source: ONNX BatchNormalization, `training_mode` 0. torch's exporter folds its own into the layer before.
"""

from __future__ import annotations

import numpy as np

from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import Lowered, OnnxNode


def from_onnx(node: OnnxNode) -> Lowered:
    """BatchNormalization in evaluation; becomes Mul and Add."""
    if node.attribute("training_mode", 0):
        raise node.refuse("it is in training mode; export the model in eval mode")
    gamma, beta, mean, variance = (np.asarray(node.constant(k), dtype=np.float64) for k in range(1, 5))
    scale = gamma / np.sqrt(variance + node.attribute("epsilon", 1e-5))
    shape = (-1, *(1 for _ in node.type(0).shape[2:]))
    factors = node.add_constant(scale.reshape(shape), "scale")
    shifts = node.add_constant((beta - mean * scale).reshape(shape), "shift")
    scaled = f"{node.outputs[0]}.scaled"
    return (
        (Mul(), (node.inputs[0], factors), (scaled,)),
        (Add(), (scaled, shifts), node.outputs[:1]),
    )
