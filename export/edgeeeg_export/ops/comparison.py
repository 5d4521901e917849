"""Comparisons: y = 1 where a ∘ b holds, else 0; ∘ is one of =, >, ≥, <, ≤."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.op import OnnxCall
from edgeeeg_export.ops.pointwise import Binary
from edgeeeg_export.tensor import Array


class Comparison(Binary):
    """Truth values as floats; in ONNX the result is cast from bool."""

    __slots__ = ()

    def to_onnx(self, call: OnnxCall) -> None:
        """The standard operator of the same name, and Cast."""
        call.builder.add("Cast", (call.builder.add(self.kind, call.inputs),), call.outputs[0], to=1)  # float


@dataclass(frozen=True, slots=True)
class Equal(Comparison):
    """y = 1 where a == b, else 0."""

    c_expression: ClassVar[str] = "a == b ? 1.0f : 0.0f"

    @staticmethod
    def function(a: Array, b: Array) -> Array:
        """1 where a == b, else 0."""
        return np.where(a == b, np.float32(1.0), np.float32(0.0))


@dataclass(frozen=True, slots=True)
class Greater(Comparison):
    """y = 1 where a > b, else 0."""

    c_expression: ClassVar[str] = "a > b ? 1.0f : 0.0f"

    @staticmethod
    def function(a: Array, b: Array) -> Array:
        """1 where a > b, else 0."""
        return np.where(a > b, np.float32(1.0), np.float32(0.0))


@dataclass(frozen=True, slots=True)
class GreaterOrEqual(Comparison):
    """y = 1 where a ≥ b, else 0."""

    c_expression: ClassVar[str] = "a >= b ? 1.0f : 0.0f"

    @staticmethod
    def function(a: Array, b: Array) -> Array:
        """1 where a ≥ b, else 0."""
        return np.where(a >= b, np.float32(1.0), np.float32(0.0))


@dataclass(frozen=True, slots=True)
class Less(Comparison):
    """y = 1 where a < b, else 0."""

    c_expression: ClassVar[str] = "a < b ? 1.0f : 0.0f"

    @staticmethod
    def function(a: Array, b: Array) -> Array:
        """1 where a < b, else 0."""
        return np.where(a < b, np.float32(1.0), np.float32(0.0))


@dataclass(frozen=True, slots=True)
class LessOrEqual(Comparison):
    """y = 1 where a ≤ b, else 0."""

    c_expression: ClassVar[str] = "a <= b ? 1.0f : 0.0f"

    @staticmethod
    def function(a: Array, b: Array) -> Array:
        """1 where a ≤ b, else 0."""
        return np.where(a <= b, np.float32(1.0), np.float32(0.0))
