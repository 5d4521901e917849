"""Integer leaky integrate-and-fire neurons: one definition of the recurrence, one step or a whole sequence.

With x, mem, threshold T and decay a integers, m = S_x / S_m, and `faded` of `edgeeeg.cells.fixed_point`:

    d = saturate(x · m)            r = H(mem - T)
    subtract   mem = limit(faded(mem, a) + d - r T)
    zero       mem = limit(faded((1 - r) mem, a) + d)
    none       mem = limit(faded(mem, a) + d)
    spike      = H(mem - T)

and without a delay of the reset mem = limit(mem - (spike - r) T), or of mem in the place of T. A membrane
stays at the ends of its width and never wraps. S_m is the threshold over a power of two, so a threshold is a
whole number of steps. Spikes are 0 and 1.

References
----------
Eshraghian et al. 2023, Training spiking neural networks using lessons from deep learning, eq. 5-6.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from edgeeeg.cells import lif
from edgeeeg.cells.firing import SNNTORCH, Firing, check_shapes
from edgeeeg.cells.fixed_point import faded, limit, requantize, steps_of
from edgeeeg.cells.lif import LifParams, LifState
from edgeeeg.cells.state_width import StateWidth
from edgeeeg.cells.step_loop import step_loop
from edgeeeg.cells.straight_through import straight_through
from edgeeeg.errors import ModelError


@dataclass(frozen=True, slots=True)
class LifFormat:
    """What one step of the input and of the membrane is worth, and the membrane's width."""

    x_scale: float
    mem_scale: float
    width: StateWidth


class QuantizedLifParams(NamedTuple):
    """Decay and threshold of each neuron, and what turns a step of the input into steps of the membrane."""

    decay: Tensor  # (n,) int64, in 2^-fraction
    threshold: Tensor  # (n,) int64
    multiplier: float


class TrainedLifState(NamedTuple):
    """A membrane twice: its worth, which carries the gradient, and its integer."""

    mem: Tensor  # (batch, n)
    steps: Tensor  # (batch, n) int64


def membrane_scale(threshold: Tensor, scale: float, width: StateWidth) -> float:
    """What a step of the membranes is worth: the greatest threshold over the largest power of two that fits.

    Where thresholds (n,) are equal each is exact; others are off by half a step at most.

    Parameters
    ----------
    scale : what a step would be worth if the largest magnitude of calibration took all of the width.

    Raises
    ------
    ModelError
        Where the greatest threshold is less than such a step.
    """
    coarse, greatest = width.coarsened(scale), float(threshold.detach().max())
    if greatest <= 0:
        return coarse
    if greatest < coarse:
        raise ModelError(
            f"integer LIF: the greatest threshold is {greatest:g} and a step of a {width.name} membrane "
            f"{coarse:g}; ask for int32, or calibrate on a recording without such artefacts"
        )
    # a threshold has to lie within the width
    k = min(int(np.floor(np.log2(greatest / coarse))), width.peak.bit_length() - 1)
    return greatest / 2.0**k


def quantize_params(params: LifParams, formats: LifFormat) -> QuantizedLifParams:
    """Integers of decay and threshold; the decay within 0 and 1, the threshold within the width."""
    width = formats.width
    decay = torch.round(params.beta.detach().double().clamp(0, 1) * width.one).long()
    threshold = torch.round(params.threshold.detach().double() / formats.mem_scale).long()
    multiplier = np.float32(formats.x_scale) / np.float32(formats.mem_scale)
    return QuantizedLifParams(decay, limit(threshold, width), float(multiplier))


def init_state(batch: int, params: QuantizedLifParams) -> LifState:
    """Membranes at rest, (batch, n) int64 zeros."""
    return LifState(torch.zeros_like(params.decay).repeat(batch, 1))


def _charge(
    params: QuantizedLifParams, width: StateWidth, firing: Firing, x: Tensor, mem: Tensor
) -> tuple[Tensor, Tensor]:
    """Membranes on which spikes are decided, and as they are kept, both (batch, n)."""
    decay, threshold, multiplier = params
    # three terms of at most 2^31 each
    drive = requantize(x, multiplier, width.drive_low, width.drive_high)
    reset = firing.passed(mem, threshold)
    if firing.reset == "zero":
        charged = faded((1 - reset) * mem, decay, width) + drive
    else:
        charged = firing.discharge(faded(mem, decay, width) + drive, reset, threshold)
    charged = limit(charged, width)
    if firing.reset_delay or firing.reset == "none":
        return charged, charged
    by = firing.passed(charged, threshold) - reset
    return charged, limit(firing.discharge(charged, by, threshold), width)


def step(
    params: QuantizedLifParams, width: StateWidth, x: Tensor, state: LifState, firing: Firing = SNNTORCH
) -> tuple[Tensor, LifState]:
    """Advance every neuron by one sample: integers x (batch, n) to spikes (batch, n) and the new state."""
    charged, kept = _charge(params, width, firing, x, state.mem)
    return firing.passed(charged, params.threshold), LifState(kept)


def scan(
    params: QuantizedLifParams,
    width: StateWidth,
    x: Tensor,
    state: LifState | None = None,
    firing: Firing = SNNTORCH,
) -> tuple[Tensor, LifState]:
    """Run the step over time: integers x (batch, time, n) to spikes (batch, time, n) and the last state.

    Raises
    ------
    ModelError
        Where x does not have the shape (batch, time, n).
    """
    check_shapes("integer LIF", params.decay.shape[0], x, None)
    start = init_state(x.shape[0], params) if state is None else state
    return step_loop(lambda _, x_t, before: step(params, width, x_t, before, firing), None, x, start)


def trained_scan(
    params: LifParams,
    formats: LifFormat,
    x: Tensor,
    state: TrainedLifState | None = None,
    firing: Firing = SNNTORCH,
) -> tuple[Tensor, TrainedLifState]:
    """The same in training: spikes and membranes are those of the integers, their gradient the float cell's.

    Decay and threshold are rounded straight through, so that both can be trained; surrogate gradients are
    taken at the integer membranes.

    Parameters
    ----------
    x : (batch, time, n) floats, whole multiples of `formats.x_scale`.

    Raises
    ------
    ModelError
        Where x does not have the shape (batch, time, n).
    """
    check_shapes("integer LIF", params.beta.shape[0], x, None)
    integers = quantize_params(params, formats)
    near = LifParams(
        straight_through(integers.decay.double() / formats.width.one, params.beta),
        straight_through(integers.threshold.double() * formats.mem_scale, params.threshold),
    )
    if state is None:
        rest = init_state(x.shape[0], integers).mem
        state = TrainedLifState(rest.to(x.dtype), rest)
    advance = partial(_trained_step, near, integers, formats, firing)
    return step_loop(lambda _, x_t, before: advance(x_t, before), None, x, state)


def _trained_step(
    near: LifParams,
    integers: QuantizedLifParams,
    formats: LifFormat,
    firing: Firing,
    x: Tensor,
    state: TrainedLifState,
) -> tuple[Tensor, TrainedLifState]:
    excess, kept = lif.advance(near, firing, x, LifState(state.mem))
    steps = steps_of(x, formats.x_scale)
    charged, whole = _charge(integers, formats.width, firing, steps, state.steps)
    excess = straight_through((charged - integers.threshold).double() * formats.mem_scale, excess)
    mem = straight_through(whole.double() * formats.mem_scale, kept.mem)
    return firing.spike(excess), TrainedLifState(mem, whole)
