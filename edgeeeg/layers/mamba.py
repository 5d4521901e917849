"""Selective state-space block."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgeeeg.cells import selective_scan as ssm
from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.requirements import require_frames, require_step_sizes, require_whole


class MambaBlock(nn.Module):
    """Residual Mamba block, (batch, time, d_model) to the same shape.

    u, z = split(W_in x);  u = SiLU(conv(u));  dt, B, C = split(W_x u);  delta = softplus(W_dt dt + b_dt);
    y = selective_scan(u, delta, -exp(A_log), B, C, D);  out = x + W_out (y · SiLU(z))

    Unlike the published block's place in a network, no normalization layer stands before it.

    Parameters
    ----------
    d_model : width of the residual stream.
    d_state : states n for each inner channel.
    d_conv : width of the causal depthwise convolution, in frames.
    expand : inner width in units of d_model.
    dt_rank : rank of the step size's projection.
    dt_min, dt_max : range of the step sizes at the start, in frames; 1 / (dt · n) is a state's time constant.

    Raises
    ------
    ModelError
        For a size that is no whole number from 1, or step sizes out of order or of float32's range; for an
        input of another shape.

    References
    ----------
    Gu and Dao 2023, Mamba, arXiv 2312.00752, section 3.4 and its reference implementation's initial values.
    """

    def __init__(
        self,
        d_model: int,
        d_state: int = 8,
        d_conv: int = 4,
        expand: int = 2,
        dt_rank: int = 1,
        dt_min: float = 0.01,
        dt_max: float = 0.3,
    ) -> None:
        super().__init__()
        require_whole(
            "MambaBlock", d_model=d_model, d_state=d_state, d_conv=d_conv, expand=expand, dt_rank=dt_rank
        )
        require_step_sizes("MambaBlock", dt_min, dt_max)
        self.d_model = d_model
        d_inner = expand * d_model
        self.widths = (dt_rank, d_state, d_state)
        self.in_proj = nn.Linear(d_model, 2 * d_inner, bias=False)
        self.conv = CausalConv1d(d_inner, d_inner, d_conv, groups=d_inner)
        self.x_proj = nn.Linear(d_inner, sum(self.widths), bias=False)
        self.dt_proj = nn.Linear(dt_rank, d_inner)
        self.A_log = nn.Parameter(torch.log(torch.arange(1.0, d_state + 1)).repeat(d_inner, 1))
        self.D = nn.Parameter(torch.ones(d_inner))
        self.out_proj = nn.Linear(d_inner, d_model, bias=False)
        dt = torch.exp(torch.linspace(math.log(dt_min), math.log(dt_max), d_inner))
        with torch.no_grad():
            self.dt_proj.bias.copy_(torch.log(torch.expm1(dt)))  # the inverse of softplus

    def forward(self, x: Tensor) -> Tensor:
        """Block's output for x from an empty state."""
        require_frames("MambaBlock", x, self.d_model)
        u, z = self.in_proj(x).chunk(2, dim=-1)
        u = F.silu(self.conv(u.transpose(1, 2)).transpose(1, 2))
        dt, B, C = self.x_proj(u).split(self.widths, dim=-1)
        delta = F.softplus(self.dt_proj(dt))
        A = -torch.exp(self.A_log)
        if torch.compiler.is_exporting():
            y = ssm.selective_scan(u, delta, A, B, C, self.D)
        else:
            y, _ = ssm.scan(ssm.ScanParams(A, self.D), ssm.ScanInput(u, delta, B, C))
        out: Tensor = x + self.out_proj(y * F.silu(z))
        return out
