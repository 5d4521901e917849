"""Logic: And, Or, Xor and Not of truth values, which are floats: false is 0, true is any other number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeeeg_export.ops.op import OnnxCall
from edgeeeg_export.ops.pointwise import Binary, Unary
from edgeeeg_export.tensor import Array


def _to_onnx(kind: str, call: OnnxCall) -> None:
    """Operands cast to bool, the operator, and the result cast to float."""
    truths = [call.builder.add("Cast", (name,), to=9) for name in call.inputs]
    call.builder.add("Cast", (call.builder.add(kind, truths),), call.outputs[0], to=1)


class Logical(Binary):
    """An operation on two truth values."""

    __slots__ = ()

    def to_onnx(self, call: OnnxCall) -> None:
        """The standard operator of the same name, between casts."""
        _to_onnx(self.kind, call)


@dataclass(frozen=True, slots=True)
class And(Logical):
    """y = 1 where a and b are true, else 0."""

    c_expression: ClassVar[str] = "a != 0.0f && b != 0.0f ? 1.0f : 0.0f"

    @staticmethod
    def function(a: Array, b: Array) -> Array:
        """1 where a and b are true, else 0."""
        return np.where((a != 0) & (b != 0), np.float32(1.0), np.float32(0.0))


@dataclass(frozen=True, slots=True)
class Or(Logical):
    """y = 1 where a or b is true, else 0."""

    c_expression: ClassVar[str] = "a != 0.0f || b != 0.0f ? 1.0f : 0.0f"

    @staticmethod
    def function(a: Array, b: Array) -> Array:
        """1 where a or b is true, else 0."""
        return np.where((a != 0) | (b != 0), np.float32(1.0), np.float32(0.0))


@dataclass(frozen=True, slots=True)
class Xor(Logical):
    """y = 1 where one of a and b is true, else 0."""

    c_expression: ClassVar[str] = "(a != 0.0f) != (b != 0.0f) ? 1.0f : 0.0f"

    @staticmethod
    def function(a: Array, b: Array) -> Array:
        """1 where one of a and b is true, else 0."""
        return np.where((a != 0) ^ (b != 0), np.float32(1.0), np.float32(0.0))


@dataclass(frozen=True, slots=True)
class Not(Unary):
    """y = 1 where x is false, else 0."""

    c_expression: ClassVar[str] = "v != 0.0f ? 0.0f : 1.0f"

    @staticmethod
    def function(x: Array) -> Array:
        """1 where x is false, else 0."""
        return np.where(x == 0, np.float32(1.0), np.float32(0.0))

    def to_onnx(self, call: OnnxCall) -> None:
        """Not, between casts."""
        _to_onnx("Not", call)
