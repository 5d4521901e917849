"""Integer selective state space: one definition of the recurrence, one step or a whole sequence.

With u, Δ, B, C and h integers, a rate K = -A · S_Δ · log2(e) in 2^-(24 + shift), `power` and `faded` of
`edgeeeg.cells.fixed_point`:

    a = power(floor(max(Δ, 0) · K / 2^shift))                  exp(Δ A), a power of 2
    h = limit(faded(h, a) + saturate(Δ u B · m))                m = S_Δ S_u S_B / S_h
    y = saturate(float32(sum_n h C) · p + float32(u) · q)       p = S_h S_C / S_y, q = D S_u / S_y

Sums and products are exact. Where A is 0, a is 1 and nothing decays.

References
----------
Gu and Dao 2023, Mamba, arXiv 2312.00752, algorithm 2 and eq. 2 (zero-order hold for A, Euler for B).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from edgeeeg.cells import selective_scan
from edgeeeg.cells.fixed_point import faded, limit, power, requantize, saturate, steps_of
from edgeeeg.cells.selective_scan import BLOCK, ScanInput, ScanParams, ScanState
from edgeeeg.cells.state_width import EXPONENT_BITS, RESULTS, ResultName, StateWidth
from edgeeeg.cells.straight_through import straight_through
from edgeeeg.errors import ModelError

MOST_SHIFT = 24
"""A rate has up to 48 bits behind the point: a step of an int16 delta may be a millionth of its range."""


@dataclass(frozen=True, slots=True)
class ScanFormat:
    """What one step of each tensor is worth, the width of the state, and the type of the result."""

    u_scale: float
    delta_scale: float
    b_scale: float
    c_scale: float
    h_scale: float
    y_scale: float
    width: StateWidth
    result: ResultName = "int8"


class QuantizedScanParams(NamedTuple):
    """Constants of the step."""

    rate: Tensor  # (d, n) int64, in 2^-(24 + shift) per step of delta
    through: Tensor  # (d,), of u in steps of y
    lost: Tensor  # (257,) int64
    shift: int
    drive: float
    read: float


class TrainedScanState(NamedTuple):
    """A memory twice: its worth, which carries the gradient, and its integer."""

    h: Tensor  # (batch, d, n)
    steps: Tensor  # (batch, d, n) int64


def quantize_params(params: ScanParams, formats: ScanFormat) -> QuantizedScanParams:
    """Integers of the rates of decay, with as many bits behind the point as the fastest leaves.

    Raises
    ------
    ModelError
        Where an A is above 0: a memory that grows.
    """
    each = -params.A.detach().double() * (formats.delta_scale * math.log2(math.e))
    if float(each.min()) < 0:
        raise ModelError("integer selective scan: an A is above 0, so its memory grows; give it A <= 0")
    # beyond 2^31 a single step of delta decays to nothing in either width
    fits = [s for s in range(MOST_SHIFT, 0, -1) if float(each.max()) * 2.0 ** (EXPONENT_BITS + s) < 2**31 - 1]
    shift = fits[0] if fits else 0
    rate = torch.round(each * 2.0 ** (EXPONENT_BITS + shift)).clamp(max=2**31 - 1).long()
    u, delta, b, c, h, y = (
        np.float32(getattr(formats, f"{name}_scale")) for name in ("u", "delta", "b", "c", "h", "y")
    )
    return QuantizedScanParams(
        rate,
        params.D.detach().float() * float(u / y),
        torch.from_numpy(formats.width.lost()).to(rate.device),
        shift,
        float(delta * u * b / h),
        float(h * c / y),
    )


def init_state(batch: int, params: QuantizedScanParams) -> ScanState:
    """An empty memory, (batch, d, n) int64 zeros."""
    return ScanState(torch.zeros_like(params.rate).repeat(batch, 1, 1))


def discretize(params: QuantizedScanParams, width: StateWidth, x: ScanInput) -> tuple[Tensor, Tensor]:
    """Decay and drive of each memory, both (batch, [time,] d, n) int64."""
    # 2^15 · 2^31, and 2^45: exact
    exponent = (x.delta.clamp(min=0).unsqueeze(-1) * params.rate) >> params.shift
    decay = power(exponent, params.lost, width)
    product = (x.delta * x.u).unsqueeze(-1) * x.B.unsqueeze(-2)
    return decay, requantize(product, params.drive, width.drive_low, width.drive_high)


def read_out(params: QuantizedScanParams, result: ResultName, x: ScanInput, h: Tensor) -> Tensor:
    """Output (batch, [time,] d) of memories h (batch, [time,] d, n)."""
    total = (h * x.C.unsqueeze(-2)).sum(-1)
    return saturate(total.float() * params.read + x.u.float() * params.through, *RESULTS[result])


def step(
    params: QuantizedScanParams, formats: ScanFormat, x: ScanInput, state: ScanState
) -> tuple[Tensor, ScanState]:
    """Advance by one frame: integers u (batch, d) to y (batch, d) and the new state."""
    decay, drive = discretize(params, formats.width, x)
    h = limit(faded(state.h, decay, formats.width) + drive, formats.width)
    return read_out(params, formats.result, x, h), ScanState(h)


@torch.no_grad()
def scan(
    params: QuantizedScanParams, formats: ScanFormat, x: ScanInput, state: ScanState | None = None
) -> tuple[Tensor, ScanState]:
    """Run the step over time: integers u (batch, time, d) to y (batch, time, d) and the last state."""
    h, width = (init_state(x.u.shape[0], params) if state is None else state).h, formats.width
    n_frames = max(1, BLOCK // (2 * h.numel()))
    ys = []
    for parts in zip(*(torch.split(part, n_frames, dim=1) for part in x), strict=True):
        block = ScanInput(*parts)
        decay, hs = discretize(params, width, block)
        for decay_t, h_t in zip(decay.unbind(1), hs.unbind(1), strict=True):
            h = torch.add(faded(h, decay_t, width), h_t, out=h_t).clamp_(width.low, width.high)
        ys.append(read_out(params, formats.result, block, hs))
    return torch.cat(ys, dim=1), ScanState(h)


def trained_scan(
    params: ScanParams, formats: ScanFormat, x: ScanInput, state: TrainedScanState | None = None
) -> tuple[Tensor, TrainedScanState]:
    """The same in training: y (batch, time, d) is that of the integers, its gradient the float cell's.

    Parameters
    ----------
    x : floats, whole multiples of their scales.
    """
    soft, y, after = both_scans(params, formats, x, state)
    return straight_through(y * float(np.float32(formats.y_scale)), soft), after


def both_scans(
    params: ScanParams, formats: ScanFormat, x: ScanInput, state: TrainedScanState | None = None
) -> tuple[Tensor, Tensor, TrainedScanState]:
    """What the float cell makes of the rounded rates, with its gradient, and the integers (int64) of y.

    Parameters
    ----------
    x : floats, whole multiples of their scales.
    """
    integers = quantize_params(params, formats)
    if state is None:
        rest = init_state(x.u.shape[0], integers).h
        state = TrainedScanState(rest.to(x.u.dtype), rest)
    unit = formats.delta_scale * math.log2(math.e) * 2.0 ** (EXPONENT_BITS + integers.shift)
    near = ScanParams(straight_through(-integers.rate.double() / unit, params.A), params.D)
    soft, after = selective_scan.scan(near, x, ScanState(state.h))
    scales = (formats.u_scale, formats.delta_scale, formats.b_scale, formats.c_scale)
    steps = ScanInput(*(steps_of(part, scale) for part, scale in zip(x, scales, strict=True)))
    y, last = scan(integers, formats, steps, ScanState(state.steps))
    h = straight_through(last.h.double() * formats.h_scale, after.h)
    return soft, y, TrainedScanState(h, last.h)
