"""Exponential moving average, weighted right from its first sample: one sample or a whole signal.

    w_t = w_{t-1} + α · (1 - w_{t-1})        g_t = α / w_t        m_t = m_{t-1} + g_t · (x_t - m_{t-1})

w_t = 1 - (1 - α)^t is the sum of the weights α (1 - α)^k of the samples so far, so m_t is their weighted
mean: m_1 = x_1, and nothing pulls it towards an initial value. A mean of at most 2^-80 becomes 0, so that
silence leaves no subnormal numbers. Floats are evaluated in the order of the brackets.

References
----------
Kingma and Ba 2015, Adam, arXiv 1412.6980, section 3: the correction of the initial bias.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.library import custom_op

from edgeeeg.cells.flush import flush
from edgeeeg.errors import ModelError


class AverageParams(NamedTuple):
    """How much a new sample weighs in the long run."""

    alpha: Tensor  # (1,), within (0, 1]


class AverageState(NamedTuple):
    """What the average remembers between samples."""

    weight: Tensor  # (1,)
    mean: Tensor  # (batch, n_chans)


def init_state(batch: int, n_chans: int, params: AverageParams) -> AverageState:
    """No samples yet: zeros of the parameters' type and device."""
    return AverageState(params.alpha.new_zeros(1), params.alpha.new_zeros(batch, n_chans))


def weigh(alpha: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Gain (1,) of the next sample, and the weight (1,) of all samples including it."""
    weight = weight + alpha * (1.0 - weight)
    return alpha / weight, weight


def step(params: AverageParams, x: Tensor, state: AverageState) -> tuple[Tensor, AverageState]:
    """Take one sample x (batch, n_chans); returns the mean (batch, n_chans) and the new state."""
    gain, weight = weigh(params.alpha, state.weight)
    mean = flush(state.mean + gain * (x - state.mean))
    return mean, AverageState(weight, mean)


def scan(params: AverageParams, x: Tensor, state: AverageState | None = None) -> tuple[Tensor, AverageState]:
    """Run the step over time: x (batch, n_chans, n_times) to means of the same shape and the last state.

    Raises
    ------
    ModelError
        Where x does not have that shape.
    """
    if x.ndim != 3:
        raise ModelError(
            f"moving average: input of shape {tuple(x.shape)}, expected (batch, n_chans, n_times)"
        )
    state = init_state(x.shape[0], x.shape[1], params) if state is None else state
    means = []
    for x_t in x.unbind(2):
        mean, state = step(params, x_t, state)
        means.append(mean)
    return torch.stack(means, dim=2), state


@custom_op("edgeeeg::exponential_moving_average", mutates_args=())
def exponential_moving_average(x: Tensor, alpha: Tensor) -> Tensor:
    """Means of x (batch, n_chans, n_times) from its start: the node that an exported program keeps whole."""
    return scan(AverageParams(alpha), x)[0]


@exponential_moving_average.register_fake
def _(x: Tensor, alpha: Tensor) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)
