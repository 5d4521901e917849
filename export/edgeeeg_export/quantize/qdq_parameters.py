"""What one QuantizeLinear or DequantizeLinear says: its steps, along which axis they differ, its integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import onnx
from onnx import helper

from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.imported_node import node_label
from edgeeeg_export.quantize.format import Format, Storage
from edgeeeg_export.tensor import Array

DOMAINS = ("", "ai.onnx", "com.microsoft")
"""Where both operators are defined; Microsoft's have known int16 for longer."""
ACTIVATIONS = ("int8", "int16")
SYMMETRIC = (
    "quantize it to symmetric int8, of which 0 stands for 0 (ONNX Runtime: activation_type=QInt8, "
    'weight_type=QInt8, extra_options={"ActivationSymmetric": True})'
)


@dataclass(frozen=True, slots=True)
class Parameters:
    """A value is scale · q, q an integer of `dtype`; `scale` has one entry, or one per index of `axis`."""

    scale: Array
    axis: int
    dtype: np.dtype[np.generic]

    @classmethod
    def of(cls, node: onnx.NodeProto, constants: Mapping[str, Array]) -> Parameters:
        """The parameters of a node, which must be constants.

        Raises
        ------
        QuantizationError
            If they vary, are no positive numbers, or have a zero point other than 0.
        """
        label, operands = node_label(node), list(node.input[1:])
        if any(name and name not in constants for name in operands):
            raise QuantizationError(f"the scale of layer {label} varies: quantize with constant scales")
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if attributes.get("block_size", 0):
            raise QuantizationError(f"layer {label} has a scale for each block: quantize per output channel")
        scale = np.asarray(constants[operands[0]], dtype=np.float32)
        if not (np.isfinite(scale).all() and (scale > 0).all()):
            raise QuantizationError(f"the scale of layer {label} is not above 0: calibrate the model again")
        zero = constants[operands[1]] if len(operands) > 1 and operands[1] else None
        if zero is not None and np.any(zero != 0):
            raise QuantizationError(f"layer {label} has zero point {np.ravel(zero)[0]}: {SYMMETRIC}")
        if zero is not None:
            dtype = zero.dtype
        elif node.op_type == "DequantizeLinear" and node.input[0] in constants:
            dtype = constants[node.input[0]].dtype
        elif attributes.get("output_dtype", 0):
            dtype = helper.tensor_dtype_to_np_dtype(attributes["output_dtype"])
        else:
            dtype = np.dtype(np.uint8)  # what both operators take for granted
        return cls(scale.ravel(), attributes.get("axis", 1) if scale.size > 1 else 0, dtype)

    def activation(self, node: onnx.NodeProto) -> Format:
        """The format of a tensor that varies.

        Raises
        ------
        QuantizationError
            If its integers are unsigned, or its steps differ.
        """
        if self.scale.size != 1:
            raise QuantizationError(
                f"layer {node_label(node)} has {self.scale.size} scales for one activation: quantize "
                "activations per tensor"
            )
        if self.dtype.name not in ACTIVATIONS:
            raise QuantizationError(f"layer {node_label(node)} makes {self.dtype.name}: {SYMMETRIC}")
        return Format(cast(Storage, self.dtype.name), float(self.scale[0]))

    def quantize(self, value: Array) -> Array:
        """The integers of a constant, rounded half to even."""
        limits = np.iinfo(cast("np.dtype[np.signedinteger]", self.dtype))
        scaled = value.astype(np.float32) / self._along(value.ndim)
        rounded: Array = np.rint(np.clip(scaled, limits.min, limits.max)).astype(self.dtype)
        return rounded

    def dequantize(self, value: Array) -> Array:
        """What the integers of a constant stand for."""
        worth: Array = value.astype(np.float32) * self._along(value.ndim)
        return worth

    def transposed(self, order: Sequence[int]) -> Parameters:
        """The parameters of the constant with its axes in this order."""
        return replace(self, axis=list(order).index(self.axis % len(order))) if self.scale.size > 1 else self

    def rows(self, weight: Array, axis: int, node: onnx.NodeProto) -> Array:
        """One scale for each output row of a layer's weights, which lie along `axis`.

        Raises
        ------
        QuantizationError
            If they differ along another axis.
        """
        if self.scale.size > 1 and self.axis % weight.ndim != axis:
            raise QuantizationError(
                f"the weights {weight.shape} of layer {node_label(node)} have scales along axis {self.axis}: "
                f"quantize per output channel, axis {axis}"
            )
        return np.broadcast_to(self.scale, (weight.shape[axis],)).copy()

    def _along(self, rank: int) -> Array:
        """The scale, to be broadcast over a constant of so many axes."""
        if self.scale.size == 1:
            return self.scale.reshape((1,) * rank)
        shape = [1] * rank
        shape[self.axis] = -1
        return self.scale.reshape(shape)
