"""Running mean of each channel."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from edgeeeg.cells import exponential_moving_average as average
from edgeeeg.layers.signal_shape import require_positive, require_signal


class ExponentialMovingAverage(nn.Module):
    """Exponentially weighted mean of the samples so far, (batch, n_chans, n_times) to the same shape.

    A sample's weight falls to 1/e in `time_constant`; the mean begins as the first sample.

    Parameters
    ----------
    n_chans : electrodes.
    time_constant : s.
    sfreq : rate in Hz of the frames that the layer sees.

    Raises
    ------
    ModelError
        For a time constant or rate that is not positive; for an input of another shape.
    """

    alpha: Tensor  # (1,)

    def __init__(self, n_chans: int, time_constant: float, sfreq: float) -> None:
        super().__init__()
        require_positive("ExponentialMovingAverage", time_constant=time_constant, sfreq=sfreq)
        self.n_chans = n_chans
        self.register_buffer("alpha", torch.tensor([-math.expm1(-1.0 / (time_constant * sfreq))]))

    def forward(self, x: Tensor) -> Tensor:
        """Average x from its start."""
        require_signal("ExponentialMovingAverage", x, self.n_chans)
        if torch.compiler.is_exporting():
            y: Tensor = average.exponential_moving_average(x, self.alpha)
            return y
        return average.scan(average.AverageParams(self.alpha), x)[0]
