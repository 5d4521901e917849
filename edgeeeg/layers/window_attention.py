"""Linear attention over the last frames only."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgeeeg.layers.requirements import require_frames, require_multiple, require_whole
from edgeeeg.layers.token_shift import token_shift


class WindowAttention(nn.Module):
    """Causal attention without a softmax to the last frames, (batch, time, d_model) to the same shape.

    q, k, v = W_i x;  y_t = W_out sum_{t-window < s <= t} (q_t · k_s / sqrt(K)) v_s   in each head

    The sum is made anew for every frame, from the window's keys and values: a running sum from which the
    oldest frame is subtracted keeps the rounding of every frame that ever was in it.

    Parameters
    ----------
    d_model : width of the features, a multiple of `heads`.
    window : frames that a frame attends to, itself among them.
    heads : heads of d_model / heads keys and values each.

    Raises
    ------
    ModelError
        For sizes that are no whole numbers from 1, or a d_model that is no multiple of the heads; for an
        input of another shape.
    """

    def __init__(self, d_model: int, window: int, heads: int = 4) -> None:
        super().__init__()
        require_multiple("WindowAttention", d_model, heads=heads)
        require_whole("WindowAttention", window=window)
        self.d_model, self.window = d_model, window
        self.heads, self.scale = heads, (d_model // heads) ** -0.5
        self.query = nn.Linear(d_model, d_model, bias=False)
        self.key = nn.Linear(d_model, d_model, bias=False)
        self.value = nn.Linear(d_model, d_model, bias=False)
        self.out_proj = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Attention of x to its last frames; before the first there are none."""
        require_frames("WindowAttention", x, self.d_model)
        q = torch.unflatten(self.query(x) * self.scale, -1, (self.heads, 1, -1))
        k, v = self._last(self.key(x)), self._last(self.value(x))  # (batch, time, heads, window, K)
        y: Tensor = self.out_proj((q @ k.transpose(-1, -2) @ v).flatten(-3))
        return y

    def _last(self, x: Tensor) -> Tensor:
        """The last `window` frames of every frame, by heads: one frame of cache each when it streams."""
        frames = [torch.unflatten(x, -1, (self.heads, -1))]
        for _ in range(self.window - 1):
            x = token_shift(x)
            frames.append(torch.unflatten(x, -1, (self.heads, -1)))
        return torch.stack(frames, dim=-2)
