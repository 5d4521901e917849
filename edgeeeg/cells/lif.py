"""Leaky integrate-and-fire neuron: one definition of the recurrence, one step or a whole sequence.

    v_t = (beta · v_{t-1} + x_t) - theta · H(v_{t-1} > theta)        spike_t = H(v_t > theta)

This is `snntorch.Leaky(reset_mechanism="subtract", reset_delay=True)`: the comparison is strict, a spike
subtracts its threshold one step later, and the membrane is the only state. Floats are evaluated in the order
of the brackets.

References
----------
Eshraghian et al. 2023, Training spiking neural networks using lessons from deep learning, eq. 5-6.
Fang et al. 2021, arXiv 2007.05785: the arctangent surrogate.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.library import custom_op

from edgeeeg.errors import ModelError

SURROGATE_ALPHA = 2.0
"""Steepness of the surrogate: its derivative at the threshold is alpha / 2."""


class LifParams(NamedTuple):
    """Decay and threshold of each neuron."""

    beta: Tensor  # (n,), within [0, 1]
    threshold: Tensor  # (n,)


class LifState(NamedTuple):
    """What a neuron remembers between steps."""

    mem: Tensor  # (batch, n)


class _Spike(torch.autograd.Function):
    """Heaviside step with the derivative of an arctangent: alpha/2 / (1 + (pi/2 · alpha · v)²)."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, excess: Tensor) -> Tensor:
        ctx.save_for_backward(excess)
        return (excess > 0).to(excess.dtype)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *grads: Tensor) -> Tensor:
        (excess,) = ctx.saved_tensors  # type: ignore[attr-defined]
        slope = SURROGATE_ALPHA / 2 / (1 + (torch.pi / 2 * SURROGATE_ALPHA * excess) ** 2)
        gradient: Tensor = grads[0] * slope
        return gradient


def init_state(batch: int, params: LifParams) -> LifState:
    """Membranes at rest, (batch, n) zeros of the parameters' type and device."""
    return LifState(params.beta.new_zeros(batch, params.beta.shape[0]))


def fire(params: LifParams, mem: Tensor) -> Tensor:
    """Spikes (..., n) of membranes (..., n): 1 strictly above the threshold, with a surrogate gradient."""
    spikes: Tensor = _Spike.apply(mem - params.threshold)  # type: ignore[no-untyped-call]
    return spikes


def integrate(params: LifParams, x: Tensor, mem: Tensor, fired: Tensor) -> Tensor:
    """Next membrane (batch, n) from input x, membrane and the last step's spikes `fired`, each (batch, n)."""
    return (params.beta * mem + x) - fired * params.threshold


def step(params: LifParams, x: Tensor, state: LifState) -> tuple[Tensor, LifState]:
    """Advance every neuron by one sample: x (batch, n) to spikes (batch, n) and the new state."""
    mem = integrate(params, x, state.mem, _fired(params, state.mem))
    return fire(params, mem), LifState(mem)


def scan(
    params: LifParams, x: Tensor, state: LifState | None = None, forced: Tensor | None = None
) -> tuple[Tensor, LifState]:
    """Run the step over time: x (batch, time, n) to spikes (batch, time, n) and the last state.

    Parameters
    ----------
    forced : (batch, time, n), optional
        Spikes of another implementation: the reset after time t follows `forced[:, t]`, while the spikes
        returned are this implementation's own decisions, so that a flip is seen once and sets off no others.
        The first reset follows the state's own membrane.

    Raises
    ------
    ModelError
        Where x or `forced` does not have the shape (batch, time, n).
    """
    n = params.beta.shape[0]
    if x.ndim != 3 or x.shape[-1] != n:
        raise ModelError(f"LIF: input of shape {tuple(x.shape)}, expected (batch, time, {n})")
    if forced is not None and forced.shape != x.shape:
        raise ModelError(f"LIF: forced spikes {tuple(forced.shape)}, expected the input's {tuple(x.shape)}")
    mem = (init_state(x.shape[0], params) if state is None else state).mem
    fired = _fired(params, mem)
    mems = []
    # unbind, not x[:, t]: the backward of an index writes a whole zero tensor for each step
    inputs = x.unbind(1)
    followed = forced.unbind(1) if forced is not None else None
    for t, x_t in enumerate(inputs):
        mem = integrate(params, x_t, mem, fired)
        fired = followed[t] if followed is not None else _fired(params, mem)
        mems.append(mem)
    # firing does not feed back except through `fired`, so all decisions are taken at once
    return fire(params, torch.stack(mems, dim=1)), LifState(mem)


def _fired(params: LifParams, mem: Tensor) -> Tensor:
    """Decision for the reset, without gradient as in snnTorch."""
    return (mem > params.threshold).detach().to(mem.dtype)


@custom_op("edgeeeg::lif", mutates_args=())
def lif(
    x: Tensor, beta: Tensor, threshold: Tensor, reset: str = "subtract", reset_delay: bool = True
) -> Tensor:
    """Spikes (batch, time, n) of x from rest: the node that an exported program keeps whole.

    Raises
    ------
    ModelError
        For a reset other than a delayed subtraction, which is the one this cell defines.
    """
    _check_reset(reset, reset_delay)
    return scan(LifParams(beta, threshold), x)[0]


@lif.register_fake
def _(
    x: Tensor, beta: Tensor, threshold: Tensor, reset: str = "subtract", reset_delay: bool = True
) -> Tensor:
    _check_reset(reset, reset_delay)
    return torch.empty_like(x)


def _check_reset(reset: str, reset_delay: bool) -> None:
    if reset != "subtract" or not reset_delay:
        raise ModelError(
            f"LIF: reset={reset!r} with reset_delay={reset_delay} is not defined; "
            "use 'subtract' with reset_delay=True"
        )
