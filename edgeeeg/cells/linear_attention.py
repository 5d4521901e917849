"""Linear attention with decay: one definition of the recurrence, one step or a whole sequence.

    S_kv = decay · S_kv + k_k · v_v        y_v = sum_k q_k · S_kv

per head, with a fixed decay in (0, 1) of each head: without one the memory grows for ever. Unlike RWKV's, the
memory that the output reads holds the present frame. A chunk of frames is done by matrices: what frame t
reads of frame s is (q_t · k_s) · decay^(t-s), with powers of at most 1.

References
----------
Katharopoulos et al. 2020, Transformers are RNNs, arXiv 2006.16236, section 3.4, without the normalizer.
Sun et al. 2023, Retentive Network, arXiv 2307.08621, section 2.1: recurrent and chunkwise forms.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.library import custom_op

from edgeeeg.cells.chunk_spans import chunk_spans
from edgeeeg.cells.linear_scan import linear_scan
from edgeeeg.errors import ModelError

CHUNK = 64
"""Frames of a chunk. The work on pairs within one grows with it, that on memories shrinks:
for a head of 64 keys, 32 is as fast within 6 % (batch 1 to 32), 16 and 128 up to 30 % slower."""


class AttentionParams(NamedTuple):
    """What does not depend on the input."""

    decay: Tensor  # (heads,), within (0, 1)


class AttentionInput(NamedTuple):
    """What the input selects, with a time axis for `scan` and without one for `step`."""

    q: Tensor  # (batch, [time,] heads · K)
    k: Tensor  # (batch, [time,] heads · K)
    v: Tensor  # (batch, [time,] heads · V)


class AttentionState(NamedTuple):
    """What the heads remember between steps."""

    S: Tensor  # (batch, heads, K, V)


def init_state(batch: int, params: AttentionParams, x: AttentionInput) -> AttentionState:
    """An empty memory for keys and values of x's widths: zeros of the parameters' type and device."""
    (heads,) = params.decay.shape
    K, V = x.k.shape[-1] // heads, x.v.shape[-1] // heads
    return AttentionState(params.decay.new_zeros(batch, heads, K, V))


def step(params: AttentionParams, x: AttentionInput, state: AttentionState) -> tuple[Tensor, AttentionState]:
    """Advance by one frame: q, k (batch, heads · K) and v to y, both (batch, heads · V), and the state."""
    q, k, v = (torch.unflatten(part, -1, (params.decay.shape[0], -1)) for part in x)
    S = params.decay[:, None, None] * state.S + k.unsqueeze(-1) * v.unsqueeze(-2)
    return (q.unsqueeze(-1) * S).sum(-2).flatten(-2), AttentionState(S)


def scan(
    params: AttentionParams, x: AttentionInput, state: AttentionState | None = None
) -> tuple[Tensor, AttentionState]:
    """Run the step over time: v (batch, time, heads · V) to y of its shape and the last state.

    Raises
    ------
    ModelError
        Where an input does not have the shape that its name in `AttentionInput` states, or there is no frame.
    """
    _check_shapes(params, x)
    S = (init_state(x.v.shape[0], params, x) if state is None else state).S
    ys = []
    for span, length in chunk_spans(x.v.shape[1], CHUNK):
        y, S = _chunks(params.decay, AttentionInput(*(part[:, span] for part in x)), S, length)
        ys.append(y)
    return torch.cat(ys, dim=1), AttentionState(S)


def _chunks(decay: Tensor, x: AttentionInput, S: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Output and last memory of frames that are a multiple of `length`."""
    heads = decay.shape[0]
    # (batch, chunks, heads, length, K)
    q, k, v = (
        torch.unflatten(torch.unflatten(part, 2, (heads, -1)), 1, (-1, length)).transpose(2, 3) for part in x
    )
    frames = torch.arange(length, device=decay.device)
    age = frames[:, None] - frames
    decays = (decay[:, None, None] ** age.clamp(min=0)).tril()  # (heads, length, length)
    within = (q @ k.transpose(-1, -2) * decays) @ v
    # the chunk's last row of decays is that of its frames up to its end
    added = (k * decays[:, -1].unsqueeze(-1)).transpose(-1, -2) @ v
    memories = linear_scan((decay**length)[:, None, None], added, S)  # (batch, chunks, heads, K, V)
    before = torch.cat([S.unsqueeze(1), memories[:, :-1]], dim=1)
    # the first column is the decay since the chunk's first frame, and the memory is one frame older
    since_start = (decays[:, :, 0] * decay[:, None]).unsqueeze(-1)
    y = within + (q * since_start) @ before
    return y.transpose(2, 3).flatten(3).flatten(1, 2), memories[:, -1]


def _check_shapes(params: AttentionParams, x: AttentionInput) -> None:
    (heads,) = params.decay.shape
    for name, part in zip(AttentionInput._fields, x, strict=True):
        right = part.shape[-1] % heads == 0 if name == "v" else part.shape[-1] == x.q.shape[-1]
        if part.ndim != 3 or not right or part.shape[:2] != x.q.shape[:2] or not part.shape[1]:
            raise ModelError(
                f"linear attention: {name} has shape {tuple(part.shape)} beside q of {tuple(x.q.shape)}; "
                f"expected (batch, time, a multiple of {heads} heads), at least one frame, and k as wide as q"
            )
    if x.q.shape[-1] % heads:
        raise ModelError(f"linear attention: q's width {x.q.shape[-1]} is no multiple of the {heads} heads")


@custom_op("edgeeeg::linear_attention", mutates_args=())
def linear_attention(q: Tensor, k: Tensor, v: Tensor, decay: Tensor) -> Tensor:
    """Output y (batch, time, heads · V) from an empty memory: a node that an export keeps whole."""
    return scan(AttentionParams(decay), AttentionInput(q, k, v))[0]


@linear_attention.register_fake
def _(q: Tensor, k: Tensor, v: Tensor, decay: Tensor) -> Tensor:
    return torch.empty_like(v)
