"""Leaky integrate-and-fire neurons: one definition of the recurrence, one step or a whole sequence.

    r = H(mem_{t-1} - threshold)
    subtract:  mem_t = (beta · mem_{t-1} + x_t) - r · threshold
    zero:      mem_t = beta · ((1 - r) · mem_{t-1}) + x_t
    none:      mem_t = beta · mem_{t-1} + x_t
    spike_t  = H(mem_t - threshold)

These are the semantics of `snntorch.Leaky` (1.0); `edgeeeg.cells.firing` has its reset without delay. The
membrane is the only state. Floats are evaluated in the order of the brackets.

References
----------
Eshraghian et al. 2023, Training spiking neural networks using lessons from deep learning, eq. 5-6.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.library import custom_op

from edgeeeg.cells.firing import SNNTORCH, Firing, Forced, check_shapes, walk


class LifParams(NamedTuple):
    """Decay and threshold of each neuron."""

    beta: Tensor  # (n,), within [0, 1]
    threshold: Tensor  # (n,)


class LifState(NamedTuple):
    """What a neuron remembers between steps."""

    mem: Tensor  # (batch, n)


def init_state(batch: int, params: LifParams) -> LifState:
    """Membranes at rest, (batch, n) zeros of the parameters' type and device."""
    return LifState(params.beta.new_zeros(batch, params.beta.shape[0]))


def leak(firing: Firing, beta: Tensor, mem: Tensor, x: Tensor, reset: Tensor, threshold: Tensor) -> Tensor:
    """Next membrane (batch, n) from the last one, input x and what resets it, each (batch, n)."""
    if firing.reset == "zero":
        return beta * ((1 - reset) * mem) + x
    return firing.discharge(beta * mem + x, reset, threshold)


def advance(
    params: LifParams, firing: Firing, x: Tensor, state: LifState, forced: Forced | None = None
) -> tuple[Tensor, LifState]:
    """Excess of membranes over thresholds (batch, n), on which spikes are decided, and the new state."""
    beta, threshold = params
    reset = firing.passed(state.mem, threshold) if forced is None else forced.reset
    mem = leak(firing, beta, state.mem, x, reset, threshold)
    return mem - threshold, LifState(firing.settle(mem, reset, threshold, forced))


def step(params: LifParams, x: Tensor, state: LifState, firing: Firing = SNNTORCH) -> tuple[Tensor, LifState]:
    """Advance every neuron by one sample: x (batch, n) to spikes (batch, n) and the new state."""
    excess, state = advance(params, firing, x, state)
    return firing.spike(excess), state


def scan(
    params: LifParams,
    x: Tensor,
    state: LifState | None = None,
    firing: Firing = SNNTORCH,
    forced: Forced | None = None,
) -> tuple[Tensor, LifState]:
    """Run the step over time: x (batch, time, n) to spikes (batch, time, n) and the last state.

    Parameters
    ----------
    forced : Forced, optional
        Decisions of another implementation, each (batch, time, n), which the membranes follow, while the
        spikes returned are this implementation's own, so that a flip is seen once and sets off no others.

    Raises
    ------
    ModelError
        Where x or `forced` does not have the shape (batch, time, n).
    """
    check_shapes("LIF", params.beta.shape[0], x, forced)
    start = init_state(x.shape[0], params) if state is None else state
    excess, last = walk(partial(advance, params, firing), x, start, forced)
    # a spike feeds back through the reset alone, so all that are returned are decided at once
    return firing.spike(excess), last


def from_rest(
    x: Tensor,
    beta: Tensor,
    threshold: Tensor,
    reset: str = "subtract",
    reset_delay: bool = True,
    fires: str = "above",
    forced: Forced | None = None,
) -> Tensor:
    """Spikes (batch, time, n) of x from rest, with the arguments of the custom operator."""
    firing = Firing(reset, reset_delay, fires)
    return scan(LifParams(beta, threshold), x, firing=firing, forced=forced)[0]


@custom_op("edgeeeg::lif", mutates_args=())
def lif(
    x: Tensor,
    beta: Tensor,
    threshold: Tensor,
    reset: str = "subtract",
    reset_delay: bool = True,
    fires: str = "above",
) -> Tensor:
    """Spikes (batch, time, n) of x from rest: the node that an exported program keeps whole."""
    return from_rest(x, beta, threshold, reset, reset_delay, fires)


@lif.register_fake
def _(
    x: Tensor,
    beta: Tensor,
    threshold: Tensor,
    reset: str = "subtract",
    reset_delay: bool = True,
    fires: str = "above",
) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)
