"""Selective diagonal state space: one definition of the recurrence, one step or a whole sequence.

    h_t = exp(delta_t · A) · h_{t-1} + (delta_t · u_t) · B_t        y_t = sum_n(C_t · h_t) + D · u_t

These are the semantics of the published `selective_scan_ref`, without its gate and with delta already
positive. Floats are evaluated in the order of the brackets, products before sums; the sum over n is the only
reduction.

References
----------
Gu and Dao 2023, Mamba, arXiv 2312.00752, algorithm 2 and eq. 2 (zero-order hold for A, Euler for B).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.library import custom_op

from edgeeeg.cells.linear_scan import linear_scan
from edgeeeg.errors import ModelError

BLOCK = 2**18
"""Numbers in a block's states: tensors of 1 MiB stay in a processor's cache, a sequence's do not.
Half or twice as much is as fast within 10 %; one block of 64 MiB takes three times as long as 64 of 1 MiB."""


class ScanParams(NamedTuple):
    """What does not depend on the input."""

    A: Tensor  # (d, n), negative
    D: Tensor  # (d,)


class ScanInput(NamedTuple):
    """What the input selects, with a time axis for `scan` and without one for `step`."""

    u: Tensor  # (batch, [time,] d)
    delta: Tensor  # (batch, [time,] d), positive
    B: Tensor  # (batch, [time,] n)
    C: Tensor  # (batch, [time,] n)


class ScanState(NamedTuple):
    """What the state space remembers between steps."""

    h: Tensor  # (batch, d, n)


def init_state(batch: int, params: ScanParams) -> ScanState:
    """An empty memory, (batch, d, n) zeros of the parameters' type and device."""
    return ScanState(params.A.new_zeros(batch, *params.A.shape))


def discretize(params: ScanParams, x: ScanInput) -> tuple[Tensor, Tensor]:
    """Decay exp(delta · A) and drive (delta · u) · B of each state, both (batch, [time,] d, n)."""
    decay = torch.exp(x.delta.unsqueeze(-1) * params.A)
    drive = (x.delta * x.u).unsqueeze(-1) * x.B.unsqueeze(-2)
    return decay, drive


def read_out(params: ScanParams, x: ScanInput, h: Tensor) -> Tensor:
    """Output (batch, [time,] d) of memories h (batch, [time,] d, n)."""
    return (h * x.C.unsqueeze(-2)).sum(-1) + params.D * x.u


def step(params: ScanParams, x: ScanInput, state: ScanState) -> tuple[Tensor, ScanState]:
    """Advance by one frame: u (batch, d) to y (batch, d) and the new state."""
    decay, drive = discretize(params, x)
    h = decay * state.h + drive
    return read_out(params, x, h), ScanState(h)


def scan(params: ScanParams, x: ScanInput, state: ScanState | None = None) -> tuple[Tensor, ScanState]:
    """Run the step over time: u (batch, time, d) to y (batch, time, d) and the last state.

    Raises
    ------
    ModelError
        Where an input does not have the shape that its name in `ScanInput` states, or there is no frame.
    """
    _check_shapes(params, x)
    h = (init_state(x.u.shape[0], params) if state is None else state).h
    n_frames = max(1, BLOCK // h.numel())
    ys = []
    for parts in zip(*(torch.split(part, n_frames, dim=1) for part in x), strict=True):
        block = ScanInput(*parts)
        # only the recurrence waits for the step before it, the rest is done for all frames of a block at once
        hs = linear_scan(*discretize(params, block), h)
        ys.append(read_out(params, block, hs))
        h = hs[:, -1]
    return torch.cat(ys, dim=1), ScanState(h)


def _check_shapes(params: ScanParams, x: ScanInput) -> None:
    d, n = params.A.shape
    expected = {"u": d, "delta": d, "B": n, "C": n}
    for (name, width), part in zip(expected.items(), x, strict=True):
        if part.ndim != 3 or part.shape[-1] != width or part.shape[:2] != x.u.shape[:2] or not part.shape[1]:
            raise ModelError(
                f"selective scan: {name} has shape {tuple(part.shape)}, expected (batch, time, {width}) "
                f"with at least one frame, and u of shape {tuple(x.u.shape)}"
            )
    if params.D.shape != (d,):
        raise ModelError(f"selective scan: D has shape {tuple(params.D.shape)}, expected ({d},)")


@custom_op("edgeeeg::selective_scan", mutates_args=())
def selective_scan(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """Output y (batch, time, d) from an empty state: the node that an exported program keeps whole."""
    return scan(ScanParams(A, D), ScanInput(u, delta, B, C))[0]


@selective_scan.register_fake
def _(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    return torch.empty_like(u)
