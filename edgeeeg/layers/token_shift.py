"""Token shift: each frame beside the one before it."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def token_shift(x: Tensor) -> Tensor:
    """Every frame's predecessor: x (batch, time, d_model) one frame later, zeros first.

    References
    ----------
    Peng et al. 2023, RWKV: Reinventing RNNs for the Transformer Era, arXiv 2305.13048, section 3.1.1.
    """
    return F.pad(x, (0, 0, 1, -1))
