"""Surrogate gradients: a Heaviside step forward, a bell around the threshold backward.

With u the membrane above its threshold, the derivative of a spike is taken as
    arctan         α/2 / (1 + (π/2 · α · u)²)         α = 2
    fast_sigmoid   1 / (1 + k·|u|)²                   k = 25
    exponential    exp(−2·|u|)
The first two are `snntorch.surrogate.atan` and `fast_sigmoid` with their defaults.

References
----------
Fang et al. 2021, Incorporating learnable membrane time constants, arXiv 2007.05785: the arctangent.
Zenke and Ganguli 2018, SuperSpike, Neural Computation 30, eq. 5: the fast sigmoid.
CAAST-Net, eq. 3: the exponential. It is printed as F'(u) = exp(|2u|), which grows without limit away from the
threshold and has lost its sign; here it decays.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import torch
from torch import Tensor

ALPHA = 2.0
"""Steepness of the arctangent: its derivative at the threshold is alpha / 2."""
SLOPE = 25.0
"""Steepness of the fast sigmoid."""


def _arctan(excess: Tensor) -> Tensor:
    return ALPHA / 2 / (1 + (torch.pi / 2 * ALPHA * excess) ** 2)


def _fast_sigmoid(excess: Tensor) -> Tensor:
    return 1 / (SLOPE * excess.abs() + 1) ** 2


def _exponential(excess: Tensor) -> Tensor:
    return torch.exp(-2 * excess.abs())


SURROGATES = MappingProxyType({"arctan": _arctan, "fast_sigmoid": _fast_sigmoid, "exponential": _exponential})
"""The derivative of a spike by name: of the excess over the threshold, of any shape."""


class _Step(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx,
        excess: Tensor,
        at: bool,
        derivative: Callable[[Tensor], Tensor],
    ) -> Tensor:
        ctx.save_for_backward(excess)
        ctx.derivative = derivative  # type: ignore[attr-defined]
        return (excess >= 0 if at else excess > 0).to(excess.dtype)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *grads: Tensor) -> tuple[Tensor, None, None]:
        (excess,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return grads[0] * ctx.derivative(excess), None, None  # type: ignore[attr-defined]


def heaviside(excess: Tensor, at: bool, surrogate: str) -> Tensor:
    """1 where the excess is positive (or zero, if `at`), else 0, with a surrogate for its derivative."""
    spikes: Tensor = _Step.apply(excess, at, SURROGATES[surrogate])  # type: ignore[no-untyped-call]
    return spikes
