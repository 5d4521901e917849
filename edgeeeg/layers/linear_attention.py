"""Linear attention whose memory decays."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from edgeeeg.cells import linear_attention as attention
from edgeeeg.errors import ModelError
from edgeeeg.layers.decay_rate import LONGEST, check_longest, decay_rate
from edgeeeg.layers.requirements import require_finite, require_frames, require_multiple


class LinearAttention(nn.Module):
    """Causal attention without a softmax, (batch, time, d_model) to the same shape.

    q, k, v = W_i x;  y_t = W_out sum_{s <= t} decay^(t-s) (q_t · k_s / sqrt(K)) v_s   in each head

    Parameters
    ----------
    d_model : width of the features, a multiple of `heads`.
    heads : heads, each with a decay of its own.
    shortest : where the heads' time constants begin, in frames; they start spread in logarithm from this to a
        quarter of `longest`.
    longest : longest time constant that a head can learn, in frames.

    Raises
    ------
    ModelError
        For sizes that are no whole numbers from 1, a d_model that is no multiple of the heads, or time
        constants out of order or of float32's range; for an input of another shape.

    References
    ----------
    Katharopoulos et al. 2020, Transformers are RNNs, arXiv 2006.16236, section 3.
    Sun et al. 2023, Retentive Network, arXiv 2307.08621, section 2.1: a fixed decay for each head.
    """

    def __init__(self, d_model: int, heads: int = 4, shortest: float = 8.0, longest: float = LONGEST) -> None:
        super().__init__()
        require_multiple("LinearAttention", d_model, heads=heads)
        check_longest("LinearAttention", longest)
        require_finite("LinearAttention", shortest=shortest)
        if not 0 < shortest <= longest / 4:
            raise ModelError(
                f"LinearAttention: shortest is {shortest} frames; choose it above 0 and up to a quarter of "
                f"longest, {longest / 4}"
            )
        self.d_model, self.longest, self.scale = d_model, longest, (d_model // heads) ** -0.5
        rates = torch.logspace(-math.log10(shortest), -math.log10(longest / 4), heads)
        self.log_rate = nn.Parameter(torch.log(rates - 1 / longest))
        self.query = nn.Linear(d_model, d_model, bias=False)
        self.key = nn.Linear(d_model, d_model, bias=False)
        self.value = nn.Linear(d_model, d_model, bias=False)
        self.out_proj = nn.Linear(d_model, d_model, bias=False)

    @property
    def params(self) -> attention.AttentionParams:
        """Decay (heads,) as the cell takes it, within (0, 1)."""
        return attention.AttentionParams(torch.exp(-decay_rate(self.log_rate, self.longest)))

    def forward(self, x: Tensor) -> Tensor:
        """Attention of x to itself, from an empty memory."""
        require_frames("LinearAttention", x, self.d_model)
        q, k, v = self.query(x) * self.scale, self.key(x), self.value(x)
        params = self.params
        if torch.compiler.is_exporting():
            read = attention.linear_attention(q, k, v, params.decay)
        else:
            read, _ = attention.scan(params, attention.AttentionInput(q, k, v))
        y: Tensor = self.out_proj(read)
        return y
