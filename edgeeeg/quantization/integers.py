"""Tensors of integers while a model is trained: what they are worth, and what one step of them is worth."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

LOW, HIGH = -128.0, 127.0


class Integers(NamedTuple):
    """int8 values as the floats they stand for: value = scale · q, each a float32."""

    value: Tensor
    scale: Tensor  # ()

    @property
    def whole(self) -> Tensor:
        """The integers q as float32: a product and a quotient, each rounded once, do not leave |q| < 2^15."""
        return torch.round(self.value.detach() / self.scale.detach())


def saturate(value: Tensor) -> Tensor:
    """int8 next to float32 values as float32, ties to even (SPEC section 8, item 2)."""
    return torch.round(value.clamp(LOW, HIGH))


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, exact: Tensor, differentiable: Tensor) -> Tensor:
        return exact.view_as(exact)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, gradients[0]


def straight_through(exact: Tensor, differentiable: Tensor) -> Tensor:
    """The values of one tensor with the gradient of another of its shape.

    References
    ----------
    Bengio, Léonard and Courville 2013, Estimating or propagating gradients through stochastic neurons, arXiv
    1308.3432, section 4.
    """
    result: Tensor = _StraightThrough.apply(exact, differentiable)  # type: ignore[no-untyped-call]
    return result
