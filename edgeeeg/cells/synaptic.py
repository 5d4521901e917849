"""LIF neurons with a synaptic current: one definition of the recurrence, one step or a whole sequence.

    r = H(mem_{t-1} - threshold)
    syn_t    = alpha · syn_{t-1} + x_t
    subtract:  mem_t = (beta · mem_{t-1} + syn_t) - r · threshold
    zero:      mem_t = (beta · mem_{t-1} + syn_t) · (1 - r)
    none:      mem_t = beta · mem_{t-1} + syn_t
    spike_t  = H(mem_t - threshold)

These are the semantics of `snntorch.Synaptic` (1.0), whose reset to zero, unlike that of `Leaky`, also loses
what comes in at that step, and leaves the current as it is; `edgeeeg.cells.firing` has the reset without
delay. Floats are evaluated in the order of the brackets.

References
----------
Eshraghian et al. 2023, Training spiking neural networks using lessons from deep learning, appendix B.2:
synaptic conductance-based neurons.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.library import custom_op

from edgeeeg.cells.firing import SNNTORCH, Firing, Forced, check_shapes, walk


class SynapticParams(NamedTuple):
    """Decays and threshold of each neuron."""

    alpha: Tensor  # (n,), of the current, within [0, 1]
    beta: Tensor  # (n,), of the membrane, within [0, 1]
    threshold: Tensor  # (n,)


class SynapticState(NamedTuple):
    """What a neuron remembers between steps."""

    syn: Tensor  # (batch, n)
    mem: Tensor  # (batch, n)


def init_state(batch: int, params: SynapticParams) -> SynapticState:
    """No current and membranes at rest, (batch, n) zeros of the parameters' type and device."""
    zeros = params.beta.new_zeros(batch, params.beta.shape[0])
    return SynapticState(zeros, zeros)


def _advance(
    params: SynapticParams, firing: Firing, x: Tensor, state: SynapticState, forced: Forced | None = None
) -> tuple[Tensor, SynapticState]:
    """Excess of membranes over thresholds (batch, n), on which spikes are decided, and the new state."""
    alpha, beta, threshold = params
    reset = firing.passed(state.mem, threshold) if forced is None else forced.reset
    syn = alpha * state.syn + x
    mem = firing.discharge(beta * state.mem + syn, reset, threshold)
    return mem - threshold, SynapticState(syn, firing.settle(mem, reset, threshold, forced))


def step(
    params: SynapticParams, x: Tensor, state: SynapticState, firing: Firing = SNNTORCH
) -> tuple[Tensor, SynapticState]:
    """Advance every neuron by one sample: x (batch, n) to spikes (batch, n) and the new state."""
    excess, state = _advance(params, firing, x, state)
    return firing.spike(excess), state


def scan(
    params: SynapticParams,
    x: Tensor,
    state: SynapticState | None = None,
    firing: Firing = SNNTORCH,
    forced: Forced | None = None,
) -> tuple[Tensor, SynapticState]:
    """Run the step over time: x (batch, time, n) to spikes (batch, time, n) and the last state.

    `forced` has decisions (batch, time, n) of another implementation, which the membranes then follow.

    Raises
    ------
    ModelError
        Where x or `forced` does not have the shape (batch, time, n).
    """
    check_shapes("synaptic LIF", params.beta.shape[0], x, forced)
    start = init_state(x.shape[0], params) if state is None else state
    excess, last = walk(partial(_advance, params, firing), x, start, forced)
    return firing.spike(excess), last


def from_rest(
    x: Tensor,
    alpha: Tensor,
    beta: Tensor,
    threshold: Tensor,
    reset: str = "subtract",
    reset_delay: bool = True,
    fires: str = "above",
    forced: Forced | None = None,
) -> Tensor:
    """Spikes (batch, time, n) of x from rest, with the arguments of the custom operator."""
    firing = Firing(reset, reset_delay, fires)
    return scan(SynapticParams(alpha, beta, threshold), x, firing=firing, forced=forced)[0]


@custom_op("edgeeeg::synaptic", mutates_args=())
def synaptic(
    x: Tensor,
    alpha: Tensor,
    beta: Tensor,
    threshold: Tensor,
    reset: str = "subtract",
    reset_delay: bool = True,
    fires: str = "above",
) -> Tensor:
    """Spikes (batch, time, n) of x from rest: the node that an exported program keeps whole."""
    return from_rest(x, alpha, beta, threshold, reset, reset_delay, fires)


@synaptic.register_fake
def _(
    x: Tensor,
    alpha: Tensor,
    beta: Tensor,
    threshold: Tensor,
    reset: str = "subtract",
    reset_delay: bool = True,
    fires: str = "above",
) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)
