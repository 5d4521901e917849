"""LayerNormalization: y = (x - mean) / √(variance + ε) · scale + bias over the last axes."""

from __future__ import annotations

from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import Lowered, OnnxNode
from edgeeeg_export.ops.standardize import Standardize


def from_onnx(node: OnnxNode) -> Lowered:
    """Standardize, Mul, and Add where there is a bias; mean and inverse deviation where they are read."""
    axis = node.attribute("axis", -1) % len(node.type(0).shape)
    result = node.outputs[0]
    moments = node.used(1) or node.used(2)
    names = [f"{result}.mean", f"{result}.inverse"]
    for k, name in enumerate(node.outputs[1:]):
        names[k] = name or names[k]
    op = Standardize(axis, node.attribute("epsilon", 1e-5), moments)
    standard, scaled = f"{result}.standard", f"{result}.scaled"
    first = (op, node.inputs[:1], (standard, *names) if moments else (standard,))
    if len(node.inputs) == 2:
        return (first, (Mul(), (standard, node.inputs[1]), (result,)))
    return (
        first,
        (Mul(), (standard, node.inputs[1]), (scaled,)),
        (Add(), (scaled, node.inputs[2]), (result,)),
    )
