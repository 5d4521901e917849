"""Pow: y = a**b; by multiplications and roots where the exponent is a small constant, else exp(b log a)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from edgeeeg import floatmath
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import Lowered, OnnxNode, lower_one
from edgeeeg_export.ops.pointwise import Binary
from edgeeeg_export.ops.reciprocal import Reciprocal
from edgeeeg_export.ops.sqrt import Sqrt
from edgeeeg_export.tensor import Array

LARGEST_PRODUCT = 8
"""Exponent up to which a power is a chain of multiplications: x·x·x … from the left."""


@dataclass(frozen=True, slots=True)
class Pow(Binary):
    """y = a**b by exp and log; NaN for a negative a and a broken b."""

    c_expression: ClassVar[str] = "edgeeeg_pow(a, b)"

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """Multiplications, a root or a reciprocal for 2 to 8, 1/2 and -1; the general power for the rest."""
        exponent = node.constant(1) if node.is_constant(1) else None
        if exponent is None or exponent.size != 1 or len(exponent.shape) > len(node.type(0).shape):
            return lower_one(cls(), node)
        base, result, value = node.inputs[0], node.outputs[0], float(exponent.reshape(()))
        if value == 0.5:
            return ((Sqrt(), (base,), (result,)),)
        if value == -1.0:
            return ((Reciprocal(), (base,), (result,)),)
        if value not in range(2, LARGEST_PRODUCT + 1):
            return lower_one(cls(), node)
        powers = [base, *(f"{result}.{k}" for k in range(2, int(value))), result]
        return tuple((Mul(), (low, base), (high,)) for low, high in pairwise(powers))

    @staticmethod
    def function(a: Array, b: Array) -> Array:
        """a**b."""
        return floatmath.pow(a, b)
