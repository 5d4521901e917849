"""Z-score of each channel by its own recent past."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from edgeeeg.cells import running_z_score as z_score
from edgeeeg.layers.signal_shape import require_positive, require_signal


class RunningZScore(nn.Module):
    """Samples less their running mean, over their running standard deviation, (batch, n_chans, n_times).

    Both are exponentially weighted over all samples so far, whose weight falls to 1/e in `time_constant`, and
    right from the first sample, where the score is 0. No score exceeds √(time_constant · sfreq), and silence
    scores 0. The mean of an offset settles within 6e-8 · time_constant · sfreq of it, 0.6 µV of 4 mV for 10 s
    at 256 Hz: put a `BandPass` in front.

    Parameters
    ----------
    n_chans : electrodes.
    time_constant : s.
    sfreq : rate in Hz of the frames that the layer sees, behind a `Resample` its lower one.
    epsilon : added to the variance, in squared units of x (µV² for EEG in µV).

    Raises
    ------
    ModelError
        For a time constant, rate or epsilon that is not positive; for an input of another shape.
    """

    alpha: Tensor  # (1,)

    def __init__(self, n_chans: int, time_constant: float, sfreq: float, epsilon: float = 1e-2) -> None:
        super().__init__()
        require_positive("RunningZScore", time_constant=time_constant, sfreq=sfreq, epsilon=epsilon)
        self.n_chans, self.epsilon = n_chans, epsilon
        self.register_buffer("alpha", torch.tensor([-math.expm1(-1.0 / (time_constant * sfreq))]))

    def forward(self, x: Tensor) -> Tensor:
        """Score x from its start."""
        require_signal("RunningZScore", x, self.n_chans)
        if torch.compiler.is_exporting():
            y: Tensor = z_score.running_z_score(x, self.alpha, self.epsilon)
            return y
        return z_score.scan(z_score.ZScoreParams(self.alpha, self.epsilon), x)[0]
