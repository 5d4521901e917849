"""Rate decoder: how often neurons fire, as numbers that a loss or a dense layer can use."""

from __future__ import annotations

from torch import Tensor, nn

from edgeeeg.errors import ModelError
from edgeeeg.layers.signal_shape import require_positive


class RateDecoder(nn.Module):
    """Mean of spikes (batch, time, n) over time: z_i = 1/T Σ_t s_i(t).

    Parameters
    ----------
    n_steps : frames to average, block after block, to (batch, time // n_steps, n); a stream has one output a
        block. None averages the whole window, to (batch, n).

    References
    ----------
    CAAST-Net, eq. 10.

    Raises
    ------
    ModelError
        For a number of frames that is not positive, or more than the input has.
    """

    def __init__(self, n_steps: int | None = None) -> None:
        super().__init__()
        if n_steps is not None:
            require_positive("RateDecoder", n_steps=n_steps)
        self.n_steps = n_steps

    def forward(self, spikes: Tensor) -> Tensor:
        """Average the spikes."""
        if self.n_steps is None:
            return spikes.mean(1)
        if spikes.shape[1] < self.n_steps:
            raise ModelError(
                f"RateDecoder: {spikes.shape[1]} frames are fewer than a block of {self.n_steps}; "
                "use a longer window or a smaller n_steps"
            )
        return nn.functional.avg_pool1d(spikes.transpose(1, 2), self.n_steps).transpose(1, 2)
