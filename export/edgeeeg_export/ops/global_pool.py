"""GlobalAveragePool and GlobalMaxPool: a reduction over every axis behind the channels."""

from __future__ import annotations

from edgeeeg_export.ops.op import Lowered, OnnxNode, lower_one
from edgeeeg_export.ops.reduce_max import ReduceMax
from edgeeeg_export.ops.reduce_mean import ReduceMean


def average_from_onnx(node: OnnxNode) -> Lowered:
    """The mean of each channel."""
    return lower_one(ReduceMean(_behind_channels(node)), node)


def max_from_onnx(node: OnnxNode) -> Lowered:
    """The maximum of each channel."""
    return lower_one(ReduceMax(_behind_channels(node)), node)


def _behind_channels(node: OnnxNode) -> tuple[int, ...]:
    return tuple(range(2, len(node.type(0).shape)))
