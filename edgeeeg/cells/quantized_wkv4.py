"""RWKV-4's weighted average of the past in integers: one definition, one step or a whole sequence.

Exponents are integers in 2^-fraction of log2 units: k = round(k_q · K / 2^shift), u and w. With integers v,
num, den, `power`, `faded` and `saturate` of `edgeeeg.cells.fixed_point`, a = max - (u + k), e = power(|a|):

    (p, f) = (1, e) where there was a frame and a > 0, else (e, 1)
    y = saturate(float32(faded(num, p) + sat(f v m)) / float32(faded(den, p) + sat(f i)) · r)

and then with a = (max - w) - k and e, p, f of it

    num = limit(faded(num, p) + sat(f v m))    den = limit(faded(den, p) + sat(f i))    max = max(max - w, k)

where m = S_v / S_num / 2^b, i = 1 / S_den / 2^b and r = S_num / S_den / S_y, b the bits of a weight. One of p
and f is always 1. Whether there was a frame is a flag: no maximum stands for minus infinity. From the first
frame on den is at least one step, as 1 is.

References
----------
Peng et al. 2023, RWKV: Reinventing RNNs for the Transformer Era, arXiv 2305.13048, eq. 16 and appendix D.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from edgeeeg.cells import wkv4
from edgeeeg.cells.fixed_point import faded, limit, power, requantize, saturate, steps_of
from edgeeeg.cells.state_width import EXPONENT_BITS, RESULTS, ResultName, StateWidth
from edgeeeg.cells.step_loop import step_loop
from edgeeeg.cells.straight_through import straight_through
from edgeeeg.cells.wkv4 import Wkv4Input, Wkv4Params, Wkv4State
from edgeeeg.errors import ModelError

LOG2_E = math.log2(math.e)
LARGEST_SUM = 1 << 29
"""Of the magnitudes of k, u and w: every difference of exponents fits an int32."""


@dataclass(frozen=True, slots=True)
class Wkv4Format:
    """What one step of each tensor is worth, the largest |k| in steps, the sums' width, the result's type."""

    k_scale: float
    v_scale: float
    num_scale: float
    den_scale: float
    y_scale: float
    width: StateWidth
    k_steps: int = 128
    result: ResultName = "int8"


class QuantizedWkv4Params(NamedTuple):
    """Constants of the step."""

    w: Tensor  # (d,) int64, in 2^-fraction
    u: Tensor  # (d,) int64
    lost: Tensor  # (257,) int64
    key: int
    shift: int
    fraction: int
    value: float
    unit: float
    read: float


class TrainedWkv4State(NamedTuple):
    """The sums of the float cell, which carry the gradient, and the integers."""

    soft: Wkv4State
    steps: Wkv4State


def sum_scales(
    num: float, den: float, v_scale: float, width: StateWidth, v_steps: int = 128
) -> tuple[float, float]:
    """What a step of each sum is worth: as wished, or coarser where a frame's share would not fit.

    Parameters
    ----------
    num, den : what a step would be worth if the largest magnitude of calibration took all of the width.
    v_scale, v_steps : a step of v, and the largest |v| in steps.
    """
    # the largest value, and a weight of 1, must fit in what a frame adds
    return (
        max(width.coarsened(num), v_scale * v_steps / width.drive_high),
        max(width.coarsened(den), 1 / width.drive_high),
    )


def quantize_params(params: Wkv4Params, formats: Wkv4Format) -> QuantizedWkv4Params:
    """Integers of decay and bonus, with as many bits behind the point as the largest exponent leaves.

    Raises
    ------
    ModelError
        Where a w is below 0, an exponent beyond 2^29, or a weight of 1 no step of the sum of weights.
    """
    w, u = (value.detach().double() * LOG2_E for value in params)
    if float(w.min()) < 0:
        raise ModelError("integer WKV4: a decay rate w is below 0, so its past grows; give it w >= 0")
    if formats.den_scale > 1:
        raise ModelError(
            f"integer WKV4: a step of the sum of weights is {formats.den_scale:g} in {formats.width.name}, "
            "more than a weight of 1; ask for int32"
        )
    k_largest = formats.k_steps * formats.k_scale * LOG2_E
    largest = k_largest + float(w.abs().max()) + float(u.abs().max())
    fraction = min(EXPONENT_BITS, math.floor(math.log2(LARGEST_SUM / largest)))
    if fraction < 0:
        raise ModelError(f"integer WKV4: exponents reach {largest:g}, more than 2^29; scale k, u and w down")
    k, v, num, den, y = (
        np.float32(getattr(formats, f"{name}_scale")) for name in ("k", "v", "num", "den", "y")
    )
    step, one = float(k) * LOG2_E * 2.0**fraction, np.float32(formats.width.one)
    shift = min(EXPONENT_BITS, math.floor(math.log2((2**31 - 1) / step)))
    return QuantizedWkv4Params(
        torch.round(w * 2.0**fraction).long(),
        torch.round(u * 2.0**fraction).long(),
        torch.from_numpy(formats.width.lost()).to(w.device),
        round(step * 2.0**shift),
        shift,
        fraction,
        float(v / num / one),
        float(np.float32(1) / den / one),
        float(num / den / y),
    )


def init_state(batch: int, params: QuantizedWkv4Params) -> Wkv4State:
    """Empty sums, int64 zeros."""
    zeros = torch.zeros_like(params.w).repeat(batch, 1)
    return Wkv4State(zeros, zeros, zeros, zeros[:, :1])


def _weighed(
    params: QuantizedWkv4Params, width: StateWidth, ahead: Tensor, v: Tensor, state: Wkv4State
) -> tuple[Tensor, Tensor, Tensor]:
    """Both sums with the present frame, and where the past leads, for an exponent of the past ahead of it."""
    # |ahead| <= 2^30, so its exponent is below 2^54
    lesser = power(ahead.abs() << (EXPONENT_BITS - params.fraction), params.lost, width)
    leads = (state.started > 0) & (ahead > 0)
    past = torch.where(leads, width.one, lesser)
    present = torch.where(leads, lesser, width.one)
    ends = (width.drive_low, width.drive_high)
    # f v of at most 2^30, or 2^45, is exact
    num = faded(state.num, past, width) + requantize(present * v, params.value, *ends)
    return num, faded(state.den, past, width) + requantize(present, params.unit, *ends), leads


def step(
    params: QuantizedWkv4Params, formats: Wkv4Format, x: Wkv4Input, state: Wkv4State
) -> tuple[Tensor, Wkv4State]:
    """Advance by one frame: integers k and v (batch, d) to y (batch, d) and the new state."""
    width = formats.width
    # 2^15 · 2^31
    k = (x.k * params.key + ((1 << params.shift) >> 1)) >> params.shift
    num, den, _ = _weighed(params, width, state.max - (params.u + k), x.v, state)
    y = saturate(num.float() / den.float() * params.read, *RESULTS[formats.result])
    later = state.max - params.w
    num, den, leads = _weighed(params, width, later - k, x.v, state)
    after = Wkv4State(
        limit(num, width), limit(den, width), torch.where(leads, later, k), torch.ones_like(state.started)
    )
    return y, after


@torch.no_grad()
def scan(
    params: QuantizedWkv4Params, formats: Wkv4Format, x: Wkv4Input, state: Wkv4State | None = None
) -> tuple[Tensor, Wkv4State]:
    """Run the step over time: integers k and v (batch, time, d) to y (batch, time, d) and the last state."""
    start = init_state(x.k.shape[0], params) if state is None else state
    return step_loop(lambda p, x_t, before: step(p, formats, x_t, before), params, x, start)


def trained_scan(
    params: Wkv4Params, formats: Wkv4Format, x: Wkv4Input, state: TrainedWkv4State | None = None
) -> tuple[Tensor, TrainedWkv4State]:
    """The same in training: y (batch, time, d) is that of the integers, its gradient the float cell's.

    Parameters
    ----------
    x : floats, whole multiples of their scales.
    """
    soft, y, after = both_scans(params, formats, x, state)
    return straight_through(y * float(np.float32(formats.y_scale)), soft), after


def both_scans(
    params: Wkv4Params, formats: Wkv4Format, x: Wkv4Input, state: TrainedWkv4State | None = None
) -> tuple[Tensor, Tensor, TrainedWkv4State]:
    """What the float cell makes of rounded w and u, with its gradient, and the integers (int64) of y.

    Parameters
    ----------
    x : floats, whole multiples of their scales.
    """
    integers = quantize_params(params, formats)
    if state is None:
        batch = x.k.shape[0]
        state = TrainedWkv4State(wkv4.init_state(batch, params), init_state(batch, integers))
    unit = LOG2_E * 2.0**integers.fraction
    near = Wkv4Params(
        straight_through(integers.w.double() / unit, params.w),
        straight_through(integers.u.double() / unit, params.u),
    )
    soft, after = wkv4.scan(near, x, state.soft)
    steps = Wkv4Input(steps_of(x.k, formats.k_scale), steps_of(x.v, formats.v_scale))
    y, last = scan(integers, formats, steps, state.steps)
    return soft, y, TrainedWkv4State(after, last)
