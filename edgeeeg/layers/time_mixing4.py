"""RWKV-4's time mixing."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from edgeeeg.cells import wkv4
from edgeeeg.layers.decay_rate import LONGEST, check_longest, decay_rate
from edgeeeg.layers.requirements import require_frames, require_whole
from edgeeeg.layers.token_shift import token_shift


class TimeMixing4(nn.Module):
    """Gated average of the past with exponential decay, (batch, time, d_model) to the same shape.

    x_i = mu_i x + (1 - mu_i) shift(x) and i = W_i x_i for i in r, k, v;  y = W_out (sigmoid(r) · wkv(k, v))

    Neither a residual nor a normalization is part of it.

    Parameters
    ----------
    d_model : width of the features.
    longest : longest time constant of a channel, in frames.

    Raises
    ------
    ModelError
        For a d_model that is no whole number from 1, or a time constant that float32 does not resolve; for an
        input of another shape.

    References
    ----------
    Peng et al. 2023, RWKV: Reinventing RNNs for the Transformer Era, arXiv 2305.13048, eq. 11-13, 16
    and 17, and its initial values for a first layer. The least rate of decay is ours.
    """

    def __init__(self, d_model: int, longest: float = LONGEST) -> None:
        super().__init__()
        require_whole("TimeMixing4", d_model=d_model)
        check_longest("TimeMixing4", longest)
        self.d_model, self.longest = d_model, longest
        place = torch.arange(d_model) / max(d_model - 1, 1)
        self.mu_r = nn.Parameter(0.5 * place)
        self.mu_k = nn.Parameter(place.clone())
        self.mu_v = nn.Parameter(place.clone())
        self.log_rate = nn.Parameter(-5 + 8 * place**0.7)
        zigzag = 0.5 * ((torch.arange(d_model) + 1) % 3 - 1)
        self.bonus = nn.Parameter(math.log(0.3) + zigzag)
        self.receptance = nn.Linear(d_model, d_model, bias=False)
        self.key = nn.Linear(d_model, d_model, bias=False)
        self.value = nn.Linear(d_model, d_model, bias=False)
        self.out_proj = nn.Linear(d_model, d_model, bias=False)

    @property
    def params(self) -> wkv4.Wkv4Params:
        """Decay rate and bonus (d_model,) as the cell takes them."""
        return wkv4.Wkv4Params(decay_rate(self.log_rate, self.longest), self.bonus)

    def forward(self, x: Tensor) -> Tensor:
        """Mixture for x from an empty memory."""
        require_frames("TimeMixing4", x, self.d_model)
        change = token_shift(x) - x
        r = torch.sigmoid(self.receptance(x + (1 - self.mu_r) * change))
        k = self.key(x + (1 - self.mu_k) * change)
        v = self.value(x + (1 - self.mu_v) * change)
        params = self.params
        if torch.compiler.is_exporting():
            average = wkv4.wkv4(k, v, params.w, params.u)
        else:
            average, _ = wkv4.scan(params, wkv4.Wkv4Input(k, v))
        y: Tensor = self.out_proj(r * average)
        return y
