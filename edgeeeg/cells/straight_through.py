"""Values with the gradient of something else: how roundings are trained through."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, exact: Tensor, differentiable: Tensor) -> Tensor:
        return exact.view_as(exact)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, gradients[0]


def straight_through(exact: Tensor, differentiable: Tensor) -> Tensor:
    """The values of one tensor, to the last bit, with the type and the gradient of another of its shape.

    References
    ----------
    Bengio, Léonard and Courville 2013, Estimating or propagating gradients through stochastic neurons, arXiv
    1308.3432, section 4.
    """
    result: Tensor = _StraightThrough.apply(exact.to(differentiable.dtype), differentiable)  # type: ignore[no-untyped-call]
    return result
