"""LIF neurons whose threshold rises as they fire: one definition of the recurrence, one step or a sequence.

    B_{t-1}  = threshold + b · a_{t-1}                  r = H(mem_{t-1} - B_{t-1})
    a_t      = rho · a_{t-1} + (1 - rho) · r            B_t = threshold + b · a_t
    subtract:  mem_t = (beta · mem_{t-1} + x_t) - r · B_{t-1}
    zero:      mem_t = beta · ((1 - r) · mem_{t-1}) + x_t
    none:      mem_t = beta · mem_{t-1} + x_t
    spike_t  = H(mem_t - B_t)

The reset comes one step after the spike and takes the threshold that was passed. With b = 0 it is
`edgeeeg.cells.lif`. The paper's b0, β, b_j, α and ρ_j are threshold, b, a, beta and rho here; its gain
(1 - α) R of the input belongs to the layer in front. Floats are evaluated in the order of the brackets.

References
----------
Bellec et al. 2018, Long short-term memory and learning-to-learn in networks of spiking neurons, arXiv
1803.09574, eq. 1 and the LSNN model of its methods.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.library import custom_op

from edgeeeg.cells.firing import SNNTORCH, Firing, Forced, check_shapes, walk
from edgeeeg.cells.lif import leak
from edgeeeg.errors import ModelError


class AdaptiveLifParams(NamedTuple):
    """Decays of each neuron, its threshold at rest, and how far a steady train of spikes lifts it."""

    beta: Tensor  # (n,), of the membrane, within [0, 1]
    threshold: Tensor  # (n,)
    rho: Tensor  # (n,), of the adaptation, within [0, 1]
    b: Tensor  # (n,), at least 0


class AdaptiveLifState(NamedTuple):
    """What a neuron remembers between steps."""

    mem: Tensor  # (batch, n)
    a: Tensor  # (batch, n), within [0, 1]


def init_state(batch: int, params: AdaptiveLifParams) -> AdaptiveLifState:
    """Membranes at rest and nothing adapted, (batch, n) zeros of the parameters' type and device."""
    zeros = params.beta.new_zeros(batch, params.beta.shape[0])
    return AdaptiveLifState(zeros, zeros)


def _advance(
    params: AdaptiveLifParams,
    firing: Firing,
    x: Tensor,
    state: AdaptiveLifState,
    forced: Forced | None = None,
) -> tuple[Tensor, AdaptiveLifState]:
    """Excess of membranes over thresholds (batch, n), on which spikes are decided, and the new state."""
    if not firing.reset_delay:
        raise ModelError("adaptive LIF: a reset without delay is not defined; use reset_delay=True")
    beta, threshold, rho, b = params
    passed = threshold + b * state.a
    # the adaptation is learned through the spike, the reset is not, as in the other neurons
    fired = firing.spike(state.mem - passed) if forced is None else forced.reset
    a = rho * state.a + (1 - rho) * fired
    mem = leak(firing, beta, state.mem, x, fired.detach(), passed)
    return mem - (threshold + b * a), AdaptiveLifState(mem, a)


def step(
    params: AdaptiveLifParams, x: Tensor, state: AdaptiveLifState, firing: Firing = SNNTORCH
) -> tuple[Tensor, AdaptiveLifState]:
    """Advance every neuron by one sample: x (batch, n) to spikes (batch, n) and the new state."""
    excess, state = _advance(params, firing, x, state)
    return firing.spike(excess), state


def scan(
    params: AdaptiveLifParams,
    x: Tensor,
    state: AdaptiveLifState | None = None,
    firing: Firing = SNNTORCH,
    forced: Forced | None = None,
) -> tuple[Tensor, AdaptiveLifState]:
    """Run the step over time: x (batch, time, n) to spikes (batch, time, n) and the last state.

    `forced` has decisions (batch, time, n) of another implementation, which membranes and thresholds then
    follow.

    Raises
    ------
    ModelError
        Where x or `forced` does not have the shape (batch, time, n).
    """
    check_shapes("adaptive LIF", params.beta.shape[0], x, forced)
    start = init_state(x.shape[0], params) if state is None else state
    excess, last = walk(partial(_advance, params, firing), x, start, forced)
    return firing.spike(excess), last


def from_rest(
    x: Tensor,
    beta: Tensor,
    threshold: Tensor,
    rho: Tensor,
    b: Tensor,
    reset: str = "subtract",
    fires: str = "above",
    forced: Forced | None = None,
) -> Tensor:
    """Spikes (batch, time, n) of x from rest, with the arguments of the custom operator."""
    params = AdaptiveLifParams(beta, threshold, rho, b)
    return scan(params, x, firing=Firing(reset, fires=fires), forced=forced)[0]


@custom_op("edgeeeg::adaptive_lif", mutates_args=())
def adaptive_lif(
    x: Tensor,
    beta: Tensor,
    threshold: Tensor,
    rho: Tensor,
    b: Tensor,
    reset: str = "subtract",
    fires: str = "above",
) -> Tensor:
    """Spikes (batch, time, n) of x from rest: the node that an exported program keeps whole."""
    return from_rest(x, beta, threshold, rho, b, reset, fires)


@adaptive_lif.register_fake
def _(
    x: Tensor,
    beta: Tensor,
    threshold: Tensor,
    rho: Tensor,
    b: Tensor,
    reset: str = "subtract",
    fires: str = "above",
) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)
