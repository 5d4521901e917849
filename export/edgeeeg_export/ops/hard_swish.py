"""HardSwish: y = x (x / 6 + 1/2, between 0 and 1), as HardSigmoid and Mul."""

from __future__ import annotations

from edgeeeg_export.ops.hard_sigmoid import HardSigmoid
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import Lowered, OnnxNode


def from_onnx(node: OnnxNode) -> Lowered:
    """A hard sigmoid and a multiplication."""
    gate = f"{node.outputs[0]}.gate"
    return (
        (HardSigmoid(alpha=1 / 6, beta=0.5), node.inputs, (gate,)),
        (Mul(), (node.inputs[0], gate), node.outputs),
    )
