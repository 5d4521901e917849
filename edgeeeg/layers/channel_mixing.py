"""RWKV's channel mixing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgeeeg.layers.requirements import require_frames, require_whole
from edgeeeg.layers.token_shift import token_shift


class ChannelMixing(nn.Module):
    """Gated squared-ReLU network over two frames, (batch, time, d_model) to the same shape.

    x_i = mu_i x + (1 - mu_i) shift(x) for i in r, k;  y = sigmoid(W_r x_r) · W_v relu(W_k x_k)²

    Parameters
    ----------
    d_model : width of the features.
    expand : width of the hidden layer in units of d_model.

    Raises
    ------
    ModelError
        For a size that is no whole number from 1; for an input of another shape.

    References
    ----------
    Peng et al. 2023, RWKV: Reinventing RNNs for the Transformer Era, arXiv 2305.13048, eq. 14, 15
    and 18.
    """

    def __init__(self, d_model: int, expand: int = 4) -> None:
        super().__init__()
        require_whole("ChannelMixing", d_model=d_model, expand=expand)
        self.d_model = d_model
        place = torch.arange(d_model) / max(d_model - 1, 1)
        self.mu_r = nn.Parameter(place.clone())
        self.mu_k = nn.Parameter(place.clone())
        self.receptance = nn.Linear(d_model, d_model, bias=False)
        self.key = nn.Linear(d_model, expand * d_model, bias=False)
        self.value = nn.Linear(expand * d_model, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Mixture for x, whose first frame has zeros before it."""
        require_frames("ChannelMixing", x, self.d_model)
        change = token_shift(x) - x
        r = torch.sigmoid(self.receptance(x + (1 - self.mu_r) * change))
        k = torch.relu(self.key(x + (1 - self.mu_k) * change))
        y: Tensor = r * self.value(k * k)
        return y
