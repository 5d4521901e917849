"""Functions of one tensor, element by element: each as torch differentiates it and as a device computes it.

A device's float32 comes from `edgeeeg.floatmath`, so a table made here is the table of the exported program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgeeeg import floatmath
from edgeeeg.floatmath import Array

F = np.float32
aten = torch.ops.aten


def _silu(x: Array) -> Array:
    return x * floatmath.sigmoid(x)


def _gelu(x: Array, approximate: str = "none") -> Array:
    if approximate == "tanh":
        return F(0.5) * x * (F(1.0) + floatmath.tanh(F(0.7978846) * (x + F(0.044715) * (x * x * x))))
    return F(0.5) * x * (F(1.0) + floatmath.erf(x * F(0.70710677)))


def _elu(x: Array, alpha: float = 1.0) -> Array:
    return np.where(x < 0, F(alpha) * floatmath.expm1(x), x)


def _leaky_relu(x: Array, negative_slope: float = 0.01) -> Array:
    return np.where(x < 0, F(negative_slope) * x, x)


def _clamp(x: Array, low: float, high: float) -> Array:
    above = np.where(x < F(low), F(low), x)
    return np.where(above > F(high), F(high), above)


def _add(a: Array, b: Array) -> Array:
    return a + b


def _sub(a: Array, b: Array) -> Array:
    return a - b


def _mul(a: Array, b: Array) -> Array:
    return a * b


def _div(a: Array, b: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return a / b


EXACT: Mapping[Any, Callable[..., Array]] = MappingProxyType(
    {
        aten.sigmoid.default: floatmath.sigmoid,
        aten.tanh.default: floatmath.tanh,
        aten.softplus.default: floatmath.softplus,
        aten.silu.default: _silu,
        aten.gelu.default: _gelu,
        aten.elu.default: _elu,
        aten.leaky_relu.default: _leaky_relu,
        aten.relu6.default: lambda x: _clamp(x, 0.0, 6.0),
        aten.hardtanh.default: lambda x, low=-1.0, high=1.0: _clamp(x, low, high),
        aten.clamp.default: _clamp,
        aten.add.Tensor: _add,
        aten.sub.Tensor: _sub,
        aten.rsub.Scalar: lambda x, number: _sub(number, x),
        aten.mul.Tensor: _mul,
        aten.div.Tensor: _div,
    }
)
"""NumPy float32 forms, by what torch calls the operator and with its arguments."""


@dataclass(frozen=True, slots=True)
class ValueFunction:
    """A function of the elements of one tensor, over however many layers.

    Parameters
    ----------
    source : name of the tensor.
    operator : of `EXACT`, or None for the tensor itself.
    arguments : numbers, words and functions of the same tensor.
    options : arguments by name.
    """

    source: str
    operator: Any = None
    arguments: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()

    def exact(self, x: Array) -> Array:
        """Float32 values at x, float32, as a device computes them."""
        if self.operator is None:
            return x
        arguments = (
            each.exact(x) if isinstance(each, ValueFunction) else F(each) if _is_number(each) else each
            for each in self.arguments
        )
        return np.asarray(EXACT[self.operator](*arguments, **dict(self.options)), dtype=F)

    def differentiable(self, x: Tensor) -> Tensor:
        """Values at x as torch computes them."""
        if self.operator is None:
            return x
        arguments = (
            each.differentiable(x) if isinstance(each, ValueFunction) else each for each in self.arguments
        )
        y: Tensor = self.operator(*arguments, **dict(self.options))
        return y


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
