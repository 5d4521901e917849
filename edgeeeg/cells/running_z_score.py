"""Z-score by a running mean and variance: one definition of the recurrence, one sample or a whole signal.

    e = x_t - m_{t-1}        m_t = m_{t-1} + g_t · e        v_t = (1 - g_t) · (v_{t-1} + e · (g_t · e))
    z_t = (x_t - m_t) / √(v_t + ε)

The gain g_t is that of `exponential_moving_average`: m_t and v_t are the exponentially weighted mean and
variance of the samples so far, right from the first, where z = 0. |z| never exceeds √((1 - g) / g), however
far a sample lies off, and ε keeps silence at 0. Means and variances of at most 2^-80 become 0. Floats are
evaluated in the order of the brackets.

References
----------
Finch 2009, Incremental calculation of weighted mean and variance, University of Cambridge, section 9:
exponentially weighted mean and variance.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.library import custom_op

from edgeeeg.cells.exponential_moving_average import weigh
from edgeeeg.cells.flush import flush
from edgeeeg.errors import ModelError


class ZScoreParams(NamedTuple):
    """How much a new sample weighs in the long run, and what is added to the variance."""

    alpha: Tensor  # (1,), within (0, 1]
    epsilon: float  # squared units of x


class ZScoreState(NamedTuple):
    """What the statistics remember between samples."""

    weight: Tensor  # (1,)
    mean: Tensor  # (batch, n_chans)
    variance: Tensor  # (batch, n_chans)


def init_state(batch: int, n_chans: int, params: ZScoreParams) -> ZScoreState:
    """No samples yet: zeros of the parameters' type and device."""
    zeros = params.alpha.new_zeros(batch, n_chans)
    return ZScoreState(params.alpha.new_zeros(1), zeros, zeros)


def step(params: ZScoreParams, x: Tensor, state: ZScoreState) -> tuple[Tensor, ZScoreState]:
    """Take one sample x (batch, n_chans); returns its z-score (batch, n_chans) and the new state."""
    gain, weight = weigh(params.alpha, state.weight)
    apart = x - state.mean
    moved = gain * apart
    mean = flush(state.mean + moved)
    variance = flush((1.0 - gain) * (state.variance + apart * moved))
    return (x - mean) / torch.sqrt(variance + params.epsilon), ZScoreState(weight, mean, variance)


def scan(params: ZScoreParams, x: Tensor, state: ZScoreState | None = None) -> tuple[Tensor, ZScoreState]:
    """Run the step over time: x (batch, n_chans, n_times) to z-scores of the same shape and the last state.

    Raises
    ------
    ModelError
        Where x does not have that shape.
    """
    if x.ndim != 3:
        raise ModelError(
            f"running z-score: input of shape {tuple(x.shape)}, expected (batch, n_chans, n_times)"
        )
    state = init_state(x.shape[0], x.shape[1], params) if state is None else state
    scores = []
    for x_t in x.unbind(2):
        z, state = step(params, x_t, state)
        scores.append(z)
    return torch.stack(scores, dim=2), state


@custom_op("edgeeeg::running_z_score", mutates_args=())
def running_z_score(x: Tensor, alpha: Tensor, epsilon: float) -> Tensor:
    """Z-scores of x (batch, n_chans, n_times) from its start: the node that a program keeps whole."""
    return scan(ZScoreParams(alpha, epsilon), x)[0]


@running_z_score.register_fake
def _(x: Tensor, alpha: Tensor, epsilon: float) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)
