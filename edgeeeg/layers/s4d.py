"""Diagonal state-space layer."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgeeeg.cells import s4d as cell
from edgeeeg.errors import ModelError
from edgeeeg.layers.decay_rate import LONGEST, check_longest
from edgeeeg.layers.requirements import require_frames, require_step_sizes, require_whole


class S4d(nn.Module):
    """Fixed complex modes per channel, then a gate, (batch, time, d_model) to the same shape.

    y = GLU(W GELU(s4d(x)) + b), where lambda = exp(dt A) and 2 C B-bar with B-bar = (lambda - 1) / A, a
    zero-order hold of B = 1; the 2 stands for the conjugate of each mode, which is not computed.

    Neither a residual nor a normalization is part of it.

    Parameters
    ----------
    d_model : width of the features.
    d_state : states of a channel; half as many modes, as they come in conjugate pairs.
    modes : initial frequencies: "lin", A_n = -1/2 + i pi n, or "inv", A_n = -1/2 + i N/pi (N / (2n + 1) - 1).
    dt_min, dt_max : range of the step sizes at the start, in frames.
    longest : longest time constant of a mode, in frames.

    Raises
    ------
    ModelError
        For a size that is no whole number from 1, an odd number of states, unknown initial modes, step sizes
        out of order, or a time constant that float32 does not resolve; for an input of another shape.

    References
    ----------
    Gu, Gupta, Goel and Ré 2022, arXiv 2206.11893, eq. 8 (S4D-Inv), 9 (S4D-Lin) and listing 1. The least rate
    of decay is ours.
    """

    def __init__(
        self,
        d_model: int,
        d_state: int = 32,
        modes: Literal["lin", "inv"] = "lin",
        dt_min: float = 0.001,
        dt_max: float = 0.1,
        longest: float = LONGEST,
    ) -> None:
        super().__init__()
        require_whole("S4d", d_model=d_model, d_state=d_state)
        require_step_sizes("S4d", dt_min, dt_max)
        check_longest("S4d", longest)
        if d_state % 2:
            raise ModelError(f"S4d: d_state is {d_state}; states come in conjugate pairs, use an even number")
        if modes not in INITIAL_FREQUENCIES:
            raise ModelError(
                f"S4d: modes={modes!r} are not known; use one of {', '.join(INITIAL_FREQUENCIES)}"
            )
        self.d_model, self.longest = d_model, longest
        n = d_state // 2
        self.log_dt = nn.Parameter(torch.linspace(math.log(dt_min), math.log(dt_max), d_model))
        self.log_A_real = nn.Parameter(torch.full((d_model, n), math.log(0.5)))
        self.A_imag = nn.Parameter(INITIAL_FREQUENCIES[modes](n).repeat(d_model, 1))
        self.C_re = nn.Parameter(torch.randn(d_model, n) * math.sqrt(0.5))
        self.C_im = nn.Parameter(torch.randn(d_model, n) * math.sqrt(0.5))
        self.D = nn.Parameter(torch.randn(d_model))
        self.out_proj = nn.Linear(d_model, 2 * d_model)

    @property
    def params(self) -> cell.S4dParams:
        """Modes and weights (d_model, d_state / 2) as the cell takes them."""
        dt = torch.exp(self.log_dt).unsqueeze(-1)
        # dt A, in real numbers: an exported graph has no complex ones
        real, imag = -(1 / self.longest + dt * torch.exp(self.log_A_real)), dt * self.A_imag
        size = torch.exp(real)
        lambda_re, lambda_im = size * torch.cos(imag), size * torch.sin(imag)
        # B-bar = dt (lambda - 1) / (dt A); the real part of dt A is never 0
        scale = dt / (real * real + imag * imag)
        B_re = scale * ((lambda_re - 1) * real + lambda_im * imag)
        B_im = scale * (lambda_im * real - (lambda_re - 1) * imag)
        C_re = 2 * (self.C_re * B_re - self.C_im * B_im)
        C_im = 2 * (self.C_re * B_im + self.C_im * B_re)
        return cell.S4dParams(lambda_re, lambda_im, C_re, C_im, self.D)

    def forward(self, x: Tensor) -> Tensor:
        """Layer's output for x from modes at rest."""
        require_frames("S4d", x, self.d_model)
        params = self.params
        y = cell.s4d(x, *params) if torch.compiler.is_exporting() else cell.scan(params, x)[0]
        return F.glu(self.out_proj(F.gelu(y)), dim=-1)


def _linear(n: int) -> Tensor:
    """Angular frequencies of S4D-Lin, (n,), eq. 9."""
    return math.pi * torch.arange(n)


def _inverse(n: int) -> Tensor:
    """Angular frequencies of S4D-Inv, (n,), eq. 8 with N = 2 n states."""
    N = 2 * n
    return N / math.pi * (N / (2 * torch.arange(n) + 1) - 1)


INITIAL_FREQUENCIES = {"lin": _linear, "inv": _inverse}
