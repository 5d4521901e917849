"""Membranes and synaptic currents over time, for a model that reads them beside or in place of the spikes.

    m_t = after_t · (beta · (before_t · m_{t-1}) + x_t) - lost_t

The cells give spikes alone. What a spike does to its membrane is known from the spike: subtraction loses the
threshold, and a reset to zero the membrane before it decays (Leaky) or after the input came in (Synaptic,
RLeaky). So a membrane is a recurrence with no decision of its own, and cannot part from its spikes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from edgeeeg.cells.step_loop import step_loop

if TYPE_CHECKING:
    from edgeeeg_export.snntorch_neuron import Neuron


class MembraneParams(NamedTuple):
    """Decay of each neuron."""

    beta: Tensor  # (n,)


class MembraneInput(NamedTuple):
    """What comes in, and what the spikes do; with a time axis, and then frame by frame."""

    x: Tensor  # (batch, [time,] n)
    before: Tensor  # (batch, [time,] n), 0 where the membrane is lost before it decays
    after: Tensor  # (batch, [time,] n), 0 where it is lost with its input
    lost: Tensor  # (batch, [time,] n), what is subtracted


class MembraneState(NamedTuple):
    """What is remembered between steps."""

    mem: Tensor  # (batch, n)


def step(params: MembraneParams, x: MembraneInput, state: MembraneState) -> tuple[Tensor, MembraneState]:
    """Advance every membrane by one sample."""
    mem = x.after * (params.beta * (x.before * state.mem) + x.x) - x.lost
    return mem, MembraneState(mem.clone())  # torch's scan wants an output and a state of their own


def decay(x: Tensor, beta: Tensor) -> Tensor:
    """What no spike resets: the synaptic current of x (batch, time, n), from rest."""
    ones = torch.ones_like(x)
    return _from_rest(beta, MembraneInput(x, ones, ones, torch.zeros_like(x)))


def membrane(neuron: Neuron, beta: Tensor, threshold: Tensor, x: Tensor, spikes: Tensor) -> Tensor:
    """Membranes (batch, time, n) of a neuron as its layer returns them, from rest.

    Parameters
    ----------
    x : (batch, time, n), what comes to the membrane.
    spikes : (batch, time, n), what it fired.
    """
    at_reset = late(spikes) if neuron.reset_delay else spikes
    ones, zeros = torch.ones_like(x), torch.zeros_like(x)
    if neuron.reset == "none":
        return _from_rest(beta, MembraneInput(x, ones, ones, zeros))
    if neuron.reset == "subtract":
        return _from_rest(beta, MembraneInput(x, ones, ones, at_reset * threshold))
    if neuron.kind == "Leaky" and neuron.reset_delay:
        return _from_rest(beta, MembraneInput(x, 1 - at_reset, ones, zeros))
    return _from_rest(beta, MembraneInput(x, ones, 1 - at_reset, zeros))


def late(spikes: Tensor) -> Tensor:
    """Spikes (batch, time, n) one step later."""
    return torch.nn.functional.pad(spikes, (0, 0, 1, 0))[:, :-1]


def _from_rest(beta: Tensor, driven: MembraneInput) -> Tensor:
    rest = MembraneState(torch.zeros_like(driven.x[:, 0]))
    return step_loop(step, MembraneParams(beta), driven, rest)[0]
