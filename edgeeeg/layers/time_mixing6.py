"""RWKV-6's time mixing."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgeeeg.cells import wkv6
from edgeeeg.layers.decay_rate import LONGEST, check_longest, decay_rate
from edgeeeg.layers.requirements import require_frames, require_multiple, require_whole
from edgeeeg.layers.token_shift import token_shift

MIXED = ("w", "k", "v", "r", "g")
"""What is projected from a mixture of two frames of its own: decay, key, value, receptance, gate."""


class TimeMixing6(nn.Module):
    """Matrix-valued memory with a decay that depends on the data, (batch, time, d_model) to the same shape.

    x_i = x + (shift(x) - x) (mu_i + B_i tanh(A_i (x + (shift(x) - x) mu_x)))   for i in w, k, v, r, g
    w = exp(-(1 / longest + exp(log_rate + D_2 tanh(D_1 x_w))));  r, k, v = W_i x_i
    y = W_out (norm(wkv6(r, k, v, w)) · SiLU(W_g x_g)),  where norm standardizes each head

    Neither a residual nor a normalization in front is part of it.

    Parameters
    ----------
    d_model : width of the features, a multiple of `head_size`.
    head_size : keys and values of a head.
    mix_rank, decay_rank : ranks of the projections that say how frames mix and how fast memory decays.
    longest : longest time constant of a channel, in frames.

    Raises
    ------
    ModelError
        For a size that is no whole number from 1, a d_model that is no multiple of the head size, or a time
        constant that float32 does not resolve; for an input of another shape.

    References
    ----------
    Peng et al. 2024, Eagle and Finch, arXiv 2404.05892, section 4.2: token shift and time mixing of Finch.
    The least rate of decay is ours.
    """

    def __init__(
        self,
        d_model: int,
        head_size: int = 64,
        mix_rank: int = 32,
        decay_rank: int = 64,
        longest: float = LONGEST,
    ) -> None:
        super().__init__()
        require_multiple("TimeMixing6", d_model, head_size=head_size)
        require_whole("TimeMixing6", mix_rank=mix_rank, decay_rank=decay_rank)
        check_longest("TimeMixing6", longest)
        self.d_model, self.longest, self.head_size = d_model, longest, head_size
        place = torch.arange(d_model) / max(d_model - 1, 1)
        self.mu_x = nn.Parameter(1 - place)
        self.mu = nn.ParameterDict({name: nn.Parameter(1 - place) for name in MIXED})
        self.mix_in = nn.Linear(d_model, len(MIXED) * mix_rank, bias=False)
        adapters = {name: nn.Linear(mix_rank, d_model, bias=False) for name in MIXED}
        self.mix_out = nn.ModuleDict(adapters)
        self.log_rate = nn.Parameter(-6 + 5 * place**0.7)
        self.decay_in = nn.Linear(d_model, decay_rank, bias=False)
        self.decay_out = nn.Linear(decay_rank, d_model, bias=False)
        zigzag = 0.1 * ((torch.arange(d_model) + 1) % 3 - 1)
        self.bonus = nn.Parameter((1 - place + zigzag).reshape(-1, head_size))
        self.receptance = nn.Linear(d_model, d_model, bias=False)
        self.key = nn.Linear(d_model, d_model, bias=False)
        self.value = nn.Linear(d_model, d_model, bias=False)
        self.gate = nn.Linear(d_model, d_model, bias=False)
        self.norm_weight = nn.Parameter(torch.ones(d_model))
        self.norm_bias = nn.Parameter(torch.zeros(d_model))
        self.out_proj = nn.Linear(d_model, d_model, bias=False)
        # at the start frames mix and memory decays alike whatever the data
        for adapter in (*adapters.values(), self.decay_out):
            nn.init.uniform_(adapter.weight, -0.01, 0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Mixture for x from an empty memory."""
        require_frames("TimeMixing6", x, self.d_model)
        change = token_shift(x) - x
        ranks = torch.tanh(self.mix_in(x + change * self.mu_x)).chunk(len(MIXED), dim=-1)
        mixed = {
            name: x + change * (self.mu[name] + self.mix_out[name](rank))
            for name, rank in zip(MIXED, ranks, strict=True)
        }
        log_rate = self.log_rate + self.decay_out(torch.tanh(self.decay_in(mixed["w"])))
        w = torch.exp(-decay_rate(log_rate, self.longest))
        r, k, v = self.receptance(mixed["r"]), self.key(mixed["k"]), self.value(mixed["v"])
        if torch.compiler.is_exporting():
            memory = wkv6.wkv6(r, k, v, w, self.bonus)
        else:
            memory, _ = wkv6.scan(wkv6.Wkv6Params(self.bonus), wkv6.Wkv6Input(r, k, v, w))
        heads = torch.unflatten(memory, -1, (-1, self.head_size))
        # the published epsilon: 1e-5 of a head size of 64 whose receptances are not scaled by 1/8
        standard = F.layer_norm(heads, (self.head_size,), eps=64e-5).flatten(-2)
        y: Tensor = self.out_proj(
            (standard * self.norm_weight + self.norm_bias) * F.silu(self.gate(mixed["g"]))
        )
        return y
