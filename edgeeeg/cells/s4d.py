"""Diagonal state space of fixed complex modes: one definition of the recurrence, one step or a sequence.

    h_t = lambda · h_{t-1} + u_t        y_t = sum_n(C_re · h_re - C_im · h_im) + D · u_t

with n complex modes per channel, |lambda| < 1. The paper's B-bar, its step size and the factor 2 of conjugate
pairs are folded into C by the layer, since all three only scale a mode. Real and imaginary parts are apart:

    h_re = (lambda_re · h_re - lambda_im · h_im) + u        h_im = lambda_re · h_im + lambda_im · h_re

A chunk of frames is a Toeplitz matrix per channel, of the impulse response sum_n Re(C · lambda^j), and the
modes at its start and end by powers of lambda, none of them larger than 1.

References
----------
Gu, Gupta, Goel and Ré 2022, On the Parameterization and Initialization of Diagonal State Space Models,
arXiv 2206.11893, eq. 2-4 and section 3.3 (S4D).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.library import custom_op
from torch.nn import functional as F

from edgeeeg.cells.chunk_spans import chunk_spans
from edgeeeg.cells.linear_scan import linear_scan
from edgeeeg.errors import ModelError

CHUNK = 64
"""Frames of a chunk. The Toeplitz work grows with it, that on modes shrinks: for 64 channels of 8 modes,
32 is as fast up to batch 8 and a fifth slower at 32, and 128 takes up to twice the time."""


class S4dParams(NamedTuple):
    """Modes, their weights in the output, and the direct path."""

    lambda_re: Tensor  # (d, n)
    lambda_im: Tensor  # (d, n)
    C_re: Tensor  # (d, n)
    C_im: Tensor  # (d, n)
    D: Tensor  # (d,)


class S4dState(NamedTuple):
    """What the modes remember between steps."""

    h_re: Tensor  # (batch, d, n)
    h_im: Tensor  # (batch, d, n)


def init_state(batch: int, params: S4dParams) -> S4dState:
    """Modes at rest: zeros of the parameters' type and device."""
    zeros = params.lambda_re.new_zeros(batch, *params.lambda_re.shape)
    return S4dState(zeros, zeros)


def step(params: S4dParams, x: Tensor, state: S4dState) -> tuple[Tensor, S4dState]:
    """Advance by one frame: u (batch, d) to y (batch, d) and the new state."""
    u = x.unsqueeze(-1)
    h_re = (params.lambda_re * state.h_re - params.lambda_im * state.h_im) + u
    h_im = params.lambda_re * state.h_im + params.lambda_im * state.h_re
    return (params.C_re * h_re - params.C_im * h_im).sum(-1) + params.D * x, S4dState(h_re, h_im)


def scan(params: S4dParams, x: Tensor, state: S4dState | None = None) -> tuple[Tensor, S4dState]:
    """Run the step over time: u (batch, time, d) to y (batch, time, d) and the last state.

    Raises
    ------
    ModelError
        Where u is not (batch, time, d) with at least one frame, or a parameter's shape is not the modes'.
    """
    _check_shapes(params, x)
    h = torch.complex(*(init_state(x.shape[0], params) if state is None else state))
    ys = []
    for span, length in chunk_spans(x.shape[1], CHUNK):
        y, h = _chunks(params, x[:, span], h, length)
        ys.append(y)
    return torch.cat(ys, dim=1) + params.D * x, S4dState(h.real, h.imag)


def _chunks(params: S4dParams, x: Tensor, h: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Output without the direct path, and last modes (batch, d, n), of a multiple of `length` frames."""
    batch = x.shape[0]
    powers = _powers(torch.complex(params.lambda_re, params.lambda_im), length)  # (length + 1, d, n)
    since = torch.complex(params.C_re, params.C_im) * powers  # a mode's weight in the output j frames later
    u = torch.unflatten(x, 1, (-1, length)).permute(3, 2, 0, 1).flatten(2)  # (d, length, batch · chunks)
    within = _toeplitz(since[:-1].real.sum(-1).T) @ u
    # the modes that a real input leaves at the chunk's end, real and imaginary parts as rows of one product
    to_end = torch.view_as_real(powers[:-1].flip(0)).permute(1, 2, 3, 0)  # (d, n, 2, length)
    left = (to_end.flatten(1, 2) @ u).view(*to_end.shape[:3], batch, -1).permute(3, 4, 0, 1, 2)
    modes = linear_scan(powers[-1], torch.view_as_complex(left.contiguous()), h)  # (batch, chunks, d, n)
    before = torch.view_as_real(torch.cat([h.unsqueeze(1), modes[:, :-1]], dim=1)).flatten(3)
    # Re(c · h) = c_re · h_re - c_im · h_im
    read = torch.stack([since[1:].real, -since[1:].imag], dim=-1).flatten(2).transpose(0, 1)
    y = within + read @ before.permute(2, 3, 0, 1).flatten(2)  # (d, length, batch · chunks)
    return torch.unflatten(y, 2, (batch, -1)).permute(2, 3, 1, 0).flatten(1, 2), modes[:, -1]


def _powers(base: Tensor, highest: int) -> Tensor:
    """Powers 0 to `highest` of base along a new first axis, by doubling: each of log2 roundings."""
    powers, square = torch.ones_like(base).unsqueeze(0), base
    while len(powers) <= highest:
        powers = torch.cat([powers, powers * square])
        square = square * square
    return powers[: highest + 1]


def _toeplitz(response: Tensor) -> Tensor:
    """Matrices (d, length, length) that convolve with responses (d, length): (t, s) holds that of t - s."""
    length = response.shape[1]
    return F.pad(response.flip(1), (0, length - 1)).unfold(1, length, 1).flip(1)


def _check_shapes(params: S4dParams, x: Tensor) -> None:
    d, n = params.lambda_re.shape
    if x.ndim != 3 or x.shape[-1] != d or not x.shape[1]:
        raise ModelError(
            f"S4D: input of shape {tuple(x.shape)}, expected (batch, time, {d}) with at least one frame"
        )
    for name, part in params._asdict().items():
        if part.shape != ((d,) if name == "D" else (d, n)):
            raise ModelError(
                f"S4D: {name} has shape {tuple(part.shape)}, expected {(d,) if name == 'D' else (d, n)}"
            )


@custom_op("edgeeeg::s4d", mutates_args=())
def s4d(u: Tensor, lambda_re: Tensor, lambda_im: Tensor, C_re: Tensor, C_im: Tensor, D: Tensor) -> Tensor:
    """Output y (batch, time, d) from modes at rest: the node that an exported program keeps whole."""
    return scan(S4dParams(lambda_re, lambda_im, C_re, C_im, D), u)[0]


@s4d.register_fake
def _(u: Tensor, lambda_re: Tensor, lambda_im: Tensor, C_re: Tensor, C_im: Tensor, D: Tensor) -> Tensor:
    return torch.empty_like(u)
