"""Cast between truth values and floats: to float nothing changes, to bool every number but 0 becomes 1."""

from __future__ import annotations

import onnx

from edgeeeg_export.ops.logical import Not
from edgeeeg_export.ops.op import Lowered, OnnxNode
from edgeeeg_export.ops.reshape import Reshape


def from_onnx(node: OnnxNode) -> Lowered:
    """The input itself, or the negation of its negation."""
    to = node.attribute("to", onnx.TensorProto.FLOAT)
    if to == onnx.TensorProto.FLOAT:
        return Reshape.from_identity(node)
    if to == onnx.TensorProto.BOOL:
        negation = f"{node.outputs[0]}.not"
        return ((Not(), node.inputs, (negation,)), (Not(), (negation,), node.outputs))
    name = onnx.TensorProto.DataType.Name(to).lower()
    raise node.refuse(f"it casts to {name}, and run-time tensors are float32; keep them float32")
