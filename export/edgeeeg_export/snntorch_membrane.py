"""Membranes and synaptic currents over time, for a model that reads them beside or in place of the spikes.

    m_t = (1 - after · r_t) · (beta · ((1 - before · r_t) · m_{t-1}) + x_t) - lost · r_t

The cells give spikes alone. What a reset r_t does to its membrane needs no other decision: subtraction loses
the threshold, and a reset to zero the membrane before it decays (Leaky with a delay) or after the input came
in (all others). So this is a recurrence without a decision of its own, and cannot part from its spikes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from edgeeeg.cells.step_loop import step_loop

if TYPE_CHECKING:
    from edgeeeg_export.neuron import Neuron


class MembraneParams(NamedTuple):
    """Decay of each neuron, and what a reset does to it."""

    beta: Tensor  # (n,)
    before: Tensor  # (n,), 1 where the membrane is lost before it decays
    after: Tensor  # (n,), 1 where it is lost with its input
    lost: Tensor  # (n,), what is subtracted


class MembraneInput(NamedTuple):
    """What comes in, and where membranes are reset; with a time axis, and then frame by frame."""

    x: Tensor  # (batch, [time,] n)
    reset: Tensor  # (batch, [time,] n), 0 or 1


class MembraneState(NamedTuple):
    """What is remembered between steps."""

    mem: Tensor  # (batch, n)


def step(params: MembraneParams, x: MembraneInput, state: MembraneState) -> tuple[Tensor, MembraneState]:
    """Advance every membrane by one sample."""
    beta, before, after, lost = params
    charged = beta * ((1 - before * x.reset) * state.mem) + x.x
    mem = (1 - after * x.reset) * charged - lost * x.reset
    return mem, MembraneState(mem.clone())  # torch's scan wants an output and a state of their own


def decay_step(beta: Tensor, x: Tensor, state: MembraneState) -> tuple[Tensor, MembraneState]:
    """Advance what is never reset by one sample: beta · m + x."""
    mem = beta * state.mem + x
    return mem, MembraneState(mem.clone())


def decay(beta: Tensor, x: Tensor) -> Tensor:
    """What is never reset, such as the synaptic current of x (batch, time, n), from rest."""
    return step_loop(decay_step, beta, x, MembraneState(torch.zeros_like(x[:, 0])))[0]


def membrane(neuron: Neuron, beta: Tensor, threshold: Tensor, x: Tensor, spikes: Tensor) -> Tensor:
    """Membranes (batch, time, n) of a neuron as its layer returns them, from rest.

    Parameters
    ----------
    x : (batch, time, n), what comes to the membrane.
    spikes : (batch, time, n), what it fired.
    """
    if neuron.reset == "none":
        return decay(beta, x)
    nothing, all_ = torch.zeros_like(beta), torch.ones_like(beta)
    if neuron.reset == "subtract":
        params = MembraneParams(beta, nothing, nothing, threshold)
    elif neuron.kind == "Leaky" and neuron.reset_delay:
        params = MembraneParams(beta, all_, nothing, nothing)
    else:
        params = MembraneParams(beta, nothing, all_, nothing)
    driven = MembraneInput(x, late(spikes) if neuron.reset_delay else spikes)
    return step_loop(step, params, driven, MembraneState(torch.zeros_like(x[:, 0])))[0]


def late(spikes: Tensor) -> Tensor:
    """Spikes (batch, time, n) one step later."""
    return torch.nn.functional.pad(spikes, (0, 0, 1, 0))[:, :-1]
