"""RWKV-6's matrix-valued memory: one definition of the recurrence, one step or a whole sequence.

    y_v = sum_k r_k · (S_kv + (u_k · k_k) · v_v)        S_kv = w_k · S_kv + k_k · v_v

per head, with a decay w in (0, 1) of each key channel that the input selects at every frame, and a bonus u
for the present. The memory that the output reads does not hold the present frame yet.

A chunk of frames is done by matrices. What frame t reads of an earlier frame s of its chunk has decayed by
the product of w between them. Chunks are built by doubling: of two neighbours, the left keeps its keys times
the decays that follow them, the right its receptances times those before them, and their product is the score
of every pair across the border. All factors are products of decays, at most 1 each: nothing is divided, no
exponential grows, and a decay that underflowed to 0 is no special case.

References
----------
Peng et al. 2024, Eagle and Finch: RWKV with Matrix-Valued States and Dynamic Recurrence, arXiv 2404.05892,
section 4.2: Finch, the decay that depends on the data.
Yang et al. 2024, Gated Linear Attention Transformers with Hardware-Efficient Training, arXiv 2312.06635,
section 4: chunks, with quotients of decays where there are products here.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.library import custom_op
from torch.nn import functional as F

from edgeeeg.cells.linear_scan import linear_scan
from edgeeeg.errors import ModelError

CHUNK = 32
"""Frames of a chunk, a power of two. The work on pairs within one grows with it, that on memories shrinks:
for a head of 64 keys, 64 is as fast within 8 % (batch 1 to 32), 16 and 128 up to 30 % slower."""


class Wkv6Params(NamedTuple):
    """What does not depend on the input."""

    u: Tensor  # (heads, K)


class Wkv6Input(NamedTuple):
    """What the input selects, with a time axis for `scan` and without one for `step`."""

    r: Tensor  # (batch, [time,] heads · K)
    k: Tensor  # (batch, [time,] heads · K)
    v: Tensor  # (batch, [time,] heads · V)
    w: Tensor  # (batch, [time,] heads · K), within (0, 1)


class Wkv6State(NamedTuple):
    """What the heads remember between steps."""

    S: Tensor  # (batch, heads, K, V)


def init_state(batch: int, params: Wkv6Params, width: int) -> Wkv6State:
    """An empty memory for values of `width` = heads · V: zeros of the parameters' type and device."""
    heads, K = params.u.shape
    return Wkv6State(params.u.new_zeros(batch, heads, K, width // heads))


def step(params: Wkv6Params, x: Wkv6Input, state: Wkv6State) -> tuple[Tensor, Wkv6State]:
    """Advance by one frame: r, k, w (batch, heads · K) and v to y, both (batch, heads · V), and the state."""
    r, k, v, w = (torch.unflatten(part, -1, (params.u.shape[0], -1)) for part in x)
    present = (params.u * k).unsqueeze(-1) * v.unsqueeze(-2)
    y = (r.unsqueeze(-1) * (state.S + present)).sum(-2)
    S = w.unsqueeze(-1) * state.S + k.unsqueeze(-1) * v.unsqueeze(-2)
    return y.flatten(-2), Wkv6State(S)


def scan(params: Wkv6Params, x: Wkv6Input, state: Wkv6State | None = None) -> tuple[Tensor, Wkv6State]:
    """Run the step over time: v (batch, time, heads · V) to y of its shape and the last state.

    Raises
    ------
    ModelError
        Where an input does not have the shape that its name in `Wkv6Input` states, or there is no frame.
    """
    _check_shapes(params, x)
    batch, time, width = x.v.shape
    S = (init_state(batch, params, width) if state is None else state).S
    length = min(CHUNK, 1 << (time - 1).bit_length())
    # frames behind the end read nothing, add nothing and let nothing decay
    r, k, v, w = (
        _to_chunks(part, params.u.shape[0], length, fill) for part, fill in zip(x, (0, 0, 0, 1), strict=True)
    )
    scores, r_start, k_end, decay = _pairs(params.u.unsqueeze(-2), r, k, w)
    added = k_end.transpose(-1, -2) @ v
    memories = linear_scan(decay.transpose(-1, -2), added, S)  # (batch, chunks, heads, K, V)
    before = torch.cat([S.unsqueeze(1), memories[:, :-1]], dim=1)
    y = scores @ v + r_start @ before
    return y.transpose(2, 3).reshape(batch, -1, width)[:, :time], Wkv6State(memories[:, -1])


def _to_chunks(x: Tensor, heads: int, length: int, fill: float) -> Tensor:
    """(batch, time, heads · K) as (batch, chunks, heads, length, K), filled up to whole chunks."""
    x = F.pad(x, (0, 0, 0, -x.shape[1] % length), value=fill)
    return torch.unflatten(torch.unflatten(x, 2, (heads, -1)), 1, (-1, length)).transpose(2, 3)


def _pairs(u: Tensor, r: Tensor, k: Tensor, w: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What the frames of a chunk read of each other, and what leads in and out of the chunk.

    Returns
    -------
    scores : (..., length, length), what frame t reads of frame s, 0 for s > t.
    r_start : (..., length, K), receptances times the decays from the chunk's start up to their frame.
    k_end : (..., length, K), keys times the decays after their frame up to the chunk's end.
    decay : (..., 1, K), the product of the chunk's decays.
    """
    # (..., spans, frames of a span, K): spans of one frame, doubled until one spans the chunk
    r_start, k_end, decay = (part.unsqueeze(-2) for part in (r, k, w))
    scores = (r * u * k).sum(-1)[..., None, None]
    while scores.shape[-3] > 1:
        (r_left, r_right), (k_left, k_right), (decay_left, decay_right), (left, right) = (
            torch.unflatten(part, -3, (-1, 2)).unbind(-3) for part in (r_start, k_end, decay, scores)
        )
        across = r_right @ k_left.transpose(-1, -2)
        above = F.pad(left, (0, left.shape[-1]))
        scores = torch.cat([above, torch.cat([across, right], dim=-1)], dim=-2)
        r_start = torch.cat([r_left, r_right * decay_left], dim=-2)
        k_end = torch.cat([k_left * decay_right, k_right], dim=-2)
        decay = decay_left * decay_right
    return scores.squeeze(-3), r_start.squeeze(-3), k_end.squeeze(-3), decay.squeeze(-3)


def _check_shapes(params: Wkv6Params, x: Wkv6Input) -> None:
    heads, K = params.u.shape
    for name, part in zip(Wkv6Input._fields, x, strict=True):
        right = part.shape[-1] == heads * K if name != "v" else part.shape[-1] % heads == 0
        if part.ndim != 3 or not right or part.shape[:2] != x.r.shape[:2] or not part.shape[1]:
            width = "a multiple of the heads" if name == "v" else heads * K
            raise ModelError(
                f"WKV6: {name} has shape {tuple(part.shape)}, expected (batch, time, {width}) with at least "
                f"one frame, as r of shape {tuple(x.r.shape)}, for {heads} heads of {K} keys"
            )


@custom_op("edgeeeg::wkv6", mutates_args=())
def wkv6(r: Tensor, k: Tensor, v: Tensor, w: Tensor, u: Tensor) -> Tensor:
    """Output y (batch, time, heads · V) from an empty memory: a node that an export keeps whole."""
    return scan(Wkv6Params(u), Wkv6Input(r, k, v, w))[0].contiguous()


@wkv6.register_fake
def _(r: Tensor, k: Tensor, v: Tensor, w: Tensor, u: Tensor) -> Tensor:
    return torch.empty_like(v)
