"""RWKV-4's weighted average of the past: one definition of the recurrence, one step or a whole sequence.

    wkv_t = (sum_{i<t} e^{k_i - (t-1-i) w} v_i + e^{u + k_t} v_t) / (the same sum without v)

per channel, with a decay rate w > 0 per frame and a bonus u for the present. Both sums are kept divided by
e^max, where max is the largest exponent so far, so that no exponential ever exceeds 1:

    p = max(max, u + k)      y = (e^{max - p} num + e^{u+k-p} v) / (e^{max - p} den + e^{u+k-p})
    q = max(max - w, k)      num = e^{max-w-q} num + e^{k-q} v      den = e^{max-w-q} den + e^{k-q}

and max = q. Before the first frame there is no maximum: then p = u + k, q = k, and the empty sums' exponents
are limited to 0. From the first frame on den is at least 1, so the division is safe. The maximum only scales:
it carries no gradient, and num · e^max, den · e^max and y have that of the sums.

References
----------
Peng et al. 2023, RWKV: Reinventing RNNs for the Transformer Era, arXiv 2305.13048, eq. 16 and appendix D
(eq. 23-28: the running maximum, which starts from -1e38 there and from a flag here).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.library import custom_op

from edgeeeg.cells.linear_scan import linear_scan
from edgeeeg.errors import ModelError


class Wkv4Params(NamedTuple):
    """Decay and bonus of each channel."""

    w: Tensor  # (d,), positive
    u: Tensor  # (d,)


class Wkv4Input(NamedTuple):
    """What each frame adds, with a time axis for `scan` and without one for `step`."""

    k: Tensor  # (batch, [time,] d)
    v: Tensor  # (batch, [time,] d)


class Wkv4State(NamedTuple):
    """The two sums over the past, divided by e^max."""

    num: Tensor  # (batch, d)
    den: Tensor  # (batch, d)
    max: Tensor  # (batch, d)
    started: Tensor  # (batch, 1), 0 before the first frame and 1 after it


def init_state(batch: int, params: Wkv4Params) -> Wkv4State:
    """Empty sums: zeros of the parameters' type and device."""
    zeros = params.w.new_zeros(batch, params.w.shape[0])
    return Wkv4State(zeros, zeros, zeros, zeros[:, :1])


def read_out(params: Wkv4Params, x: Wkv4Input, before: Wkv4State) -> Tensor:
    """Average (batch, [time,] d) of the past sums and of the present frame."""
    bonus = params.u + x.k
    p = torch.where(before.started > 0, torch.maximum(before.max, bonus), bonus).detach()
    past, present = _decayed(before.max - p), torch.exp(bonus - p)
    return (past * before.num + present * x.v) / (past * before.den + present)


def advance(params: Wkv4Params, x: Wkv4Input, q: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """Factors of the past sums and of the present frame for a maximum that goes from `before` to q."""
    return _decayed((before - params.w) - q), torch.exp(x.k - q)


def step(params: Wkv4Params, x: Wkv4Input, state: Wkv4State) -> tuple[Tensor, Wkv4State]:
    """Advance by one frame: k and v (batch, d) to y (batch, d) and the new state."""
    y = read_out(params, x, state)
    with torch.no_grad():
        q = torch.where(state.started > 0, torch.maximum(state.max - params.w, x.k), x.k)
    past, present = advance(params, x, q, state.max)
    num = past * state.num + present * x.v
    den = past * state.den + present
    return y, Wkv4State(num, den, q, torch.ones_like(state.started))


def scan(params: Wkv4Params, x: Wkv4Input, state: Wkv4State | None = None) -> tuple[Tensor, Wkv4State]:
    """Run the step over time: k and v (batch, time, d) to y (batch, time, d) and the last state.

    The maximum, which needs no gradient, goes first; known, it leaves two linear recurrences of one factor.

    Raises
    ------
    ModelError
        Where k or v is not (batch, time, d) with at least one frame, or w or u not (d,).
    """
    _check_shapes(params, x)
    state = init_state(x.k.shape[0], params) if state is None else state
    q = _running_maximum(params, x.k, state)
    max_before = torch.cat([state.max.unsqueeze(1), q[:, :-1]], dim=1)
    past, present = advance(params, x, q, max_before)
    sums = torch.stack([present * x.v, present], dim=2)  # (batch, time, 2, d)
    first = torch.stack([state.num, state.den], dim=1)
    sums = linear_scan(past.unsqueeze(2), sums, first)
    num_before, den_before = torch.cat([first.unsqueeze(1), sums[:, :-1]], dim=1).unbind(2)
    started = torch.ones_like(x.k[..., :1])
    started[:, 0] = state.started
    y = read_out(params, x, Wkv4State(num_before, den_before, max_before, started))
    num, den = sums[:, -1].unbind(1)
    return y, Wkv4State(num, den, q[:, -1], started[:, -1].clamp(min=1))


@torch.no_grad()
def _running_maximum(params: Wkv4Params, k: Tensor, state: Wkv4State) -> Tensor:
    """Every q (batch, time, d) of the sequence."""
    q = torch.empty_like(k)
    q[:, 0] = torch.where(state.started > 0, torch.maximum(state.max - params.w, k[:, 0]), k[:, 0])
    frames = q.unbind(1)
    for before, q_t, k_t in zip(frames, frames[1:], k.unbind(1)[1:], strict=False):
        torch.sub(before, params.w, out=q_t)
        torch.maximum(q_t, k_t, out=q_t)
    return q


def _decayed(exponent: Tensor) -> Tensor:
    """Factor of the past sums: their exponent is positive only while they are empty, and is limited then."""
    return torch.exp(exponent.clamp(max=0))


def _check_shapes(params: Wkv4Params, x: Wkv4Input) -> None:
    (d,) = params.w.shape
    for name, part in zip("kv", x, strict=True):
        if part.ndim != 3 or part.shape[-1] != d or part.shape != x.k.shape or not part.shape[1]:
            raise ModelError(
                f"WKV4: {name} has shape {tuple(part.shape)}, expected (batch, time, {d}) with at least one "
                f"frame, as k of shape {tuple(x.k.shape)}"
            )
    if params.u.shape != (d,):
        raise ModelError(f"WKV4: u has shape {tuple(params.u.shape)}, expected w's ({d},)")


@custom_op("edgeeeg::wkv4", mutates_args=())
def wkv4(k: Tensor, v: Tensor, w: Tensor, u: Tensor) -> Tensor:
    """Output y (batch, time, d) from empty sums: the node that an exported program keeps whole."""
    return scan(Wkv4Params(w, u), Wkv4Input(k, v))[0]


@wkv4.register_fake
def _(k: Tensor, v: Tensor, w: Tensor, u: Tensor) -> Tensor:
    return torch.empty_like(k)
