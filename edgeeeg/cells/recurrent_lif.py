"""LIF neurons whose spikes come back to them: one definition of the recurrence, one step or a sequence.

    r = H(mem_{t-1} - threshold)
    in_t     = (beta · mem_{t-1} + x_t) + (V spike_{t-1} + bias)
    subtract:  mem_t = in_t - r · threshold
    zero:      mem_t = in_t - r · in_t
    none:      mem_t = in_t
    spike_t  = H(mem_t - threshold)

These are the semantics of `snntorch.RLeaky` (1.0) with `linear_features`; one connection from each neuron to
itself (`all_to_all=False`) is a diagonal V. Its reset to zero, unlike that of `Leaky`, also loses what comes
in at that step. Sums over V run in the order of its columns. `edgeeeg.cells.firing` has the reset without
delay, where a spike does not say whether the membrane still is past its threshold: so spikes are state too.

References
----------
Eshraghian et al. 2023, Training spiking neural networks using lessons from deep learning, section IV-C:
recurrent spiking neurons.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.library import custom_op
from torch.nn.functional import linear

from edgeeeg.cells.firing import SNNTORCH, Firing, Forced, check_shapes, walk
from edgeeeg.errors import ModelError


class RecurrentLifParams(NamedTuple):
    """Decay and threshold of each neuron, and what a spike of each adds to the input of every one."""

    beta: Tensor  # (n,), within [0, 1]
    threshold: Tensor  # (n,)
    V: Tensor  # (n, n), V[i, j] from neuron j to neuron i
    bias: Tensor  # (n,)


class RecurrentLifState(NamedTuple):
    """What a neuron remembers between steps."""

    spk: Tensor  # (batch, n), 0 or 1
    mem: Tensor  # (batch, n)


def init_state(batch: int, params: RecurrentLifParams) -> RecurrentLifState:
    """No spikes and membranes at rest, (batch, n) zeros of the parameters' type and device."""
    zeros = params.beta.new_zeros(batch, params.beta.shape[0])
    return RecurrentLifState(zeros, zeros)


def _advance(
    params: RecurrentLifParams,
    firing: Firing,
    x: Tensor,
    state: RecurrentLifState,
    forced: Forced | None = None,
) -> tuple[Tensor, RecurrentLifState]:
    """Excess of membranes over thresholds (batch, n), on which spikes are decided, and the new state."""
    beta, threshold, weight, bias = params
    reset = firing.passed(state.mem, threshold) if forced is None else forced.reset
    driven = (beta * state.mem + x) + linear(state.spk, weight, bias)
    mem = firing.discharge(driven, reset, threshold)
    excess = mem - threshold
    spk = firing.spike(excess) if forced is None else forced.spikes
    return excess, RecurrentLifState(spk, firing.settle(mem, reset, threshold, forced))


def step(
    params: RecurrentLifParams, x: Tensor, state: RecurrentLifState, firing: Firing = SNNTORCH
) -> tuple[Tensor, RecurrentLifState]:
    """Advance every neuron by one sample: x (batch, n) to spikes (batch, n) and the new state."""
    excess, state = _advance(params, firing, x, state)
    return firing.spike(excess), state


def scan(
    params: RecurrentLifParams,
    x: Tensor,
    state: RecurrentLifState | None = None,
    firing: Firing = SNNTORCH,
    forced: Forced | None = None,
) -> tuple[Tensor, RecurrentLifState]:
    """Run the step over time: x (batch, time, n) to spikes (batch, time, n) and the last state.

    `forced` has decisions (batch, time, n) of another implementation, which membranes and recurrent input
    then follow.

    Raises
    ------
    ModelError
        Where x or `forced` does not have the shape (batch, time, n), or V is not (n, n).
    """
    n = params.beta.shape[0]
    check_shapes("recurrent LIF", n, x, forced)
    if params.V.shape != (n, n):
        raise ModelError(
            f"recurrent LIF: V of shape {tuple(params.V.shape)}, expected ({n}, {n}); "
            "for one connection each use torch.diag"
        )
    start = init_state(x.shape[0], params) if state is None else state
    excess, last = walk(partial(_advance, params, firing), x, start, forced)
    return firing.spike(excess), last


def from_rest(
    x: Tensor,
    beta: Tensor,
    threshold: Tensor,
    V: Tensor,
    bias: Tensor,
    reset: str = "subtract",
    reset_delay: bool = True,
    fires: str = "above",
    forced: Forced | None = None,
) -> Tensor:
    """Spikes (batch, time, n) of x from rest, with the arguments of the custom operator."""
    firing = Firing(reset, reset_delay, fires)
    return scan(RecurrentLifParams(beta, threshold, V, bias), x, firing=firing, forced=forced)[0]


@custom_op("edgeeeg::recurrent_lif", mutates_args=())
def recurrent_lif(
    x: Tensor,
    beta: Tensor,
    threshold: Tensor,
    V: Tensor,
    bias: Tensor,
    reset: str = "subtract",
    reset_delay: bool = True,
    fires: str = "above",
) -> Tensor:
    """Spikes (batch, time, n) of x from rest: the node that an exported program keeps whole."""
    return from_rest(x, beta, threshold, V, bias, reset, reset_delay, fires)


@recurrent_lif.register_fake
def _(
    x: Tensor,
    beta: Tensor,
    threshold: Tensor,
    V: Tensor,
    bias: Tensor,
    reset: str = "subtract",
    reset_delay: bool = True,
    fires: str = "above",
) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)
