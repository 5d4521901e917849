"""Two layers over the same frames, one of them backwards in time."""

from __future__ import annotations

from torch import Tensor, nn


class Bidirectional(nn.Module):
    """Mean of a layer and of another one that sees time reversed, (batch, time, d_model) to the same shape.

    The causal twin has the same parameters, and lets the second layer see time as the first does; so weights
    that were trained on windows in both directions begin the training of the one that streams.

    Parameters
    ----------
    forwards, backwards : recurrent layers of the same kind, each (batch, time, d_model) to the same shape.
    causal : run both forwards.

    References
    ----------
    Schuster and Paliwal 1997, Bidirectional recurrent neural networks, IEEE Trans. Signal Process. 45, 2673.
    Zhu et al. 2024, Vision Mamba, arXiv 2401.09417, algorithm 1, which shares its outer projections.
    """

    def __init__(self, forwards: nn.Module, backwards: nn.Module, causal: bool = False) -> None:
        super().__init__()
        self.forwards, self.backwards, self.causal = forwards, backwards, causal

    def forward(self, x: Tensor) -> Tensor:
        """Mean of both layers for x, each from its initial state."""
        second = self.backwards(x) if self.causal else self.backwards(x.flip(1)).flip(1)
        y: Tensor = 0.5 * (self.forwards(x) + second)
        return y
