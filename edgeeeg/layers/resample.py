"""Causal change of the sampling rate by a rational factor."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgeeeg.errors import ModelError
from edgeeeg.layers.interleave import interleave, weave
from edgeeeg.layers.signal_shape import require_positive, require_signal
from edgeeeg.signal.resampling import rate_ratio

REACH = 10
"""Half the length of the low-pass in samples of the lower of the two rates."""
KAISER_BETA = 5.0
"""Shape of its Kaiser window: 54 dB of attenuation."""
LONGEST = 65_536
"""Coefficients that a device may hold: 256 kB."""


class Resample(nn.Module):
    """Polyphase low-pass, (batch, n_chans, n_times) to (batch, n_chans, n_times · sfreq_out / sfreq_in).

    For the reduced ratio L / M, M samples in give L samples out, each with `weight.shape[-1]` products: about
    20 max(L, M) / L + M, few for ratios of small terms. The last of the L belongs to the time of the last of
    the M samples, and everything comes out `delay` seconds late. The low-pass is the linear-phase Kaiser
    window of `scipy.signal.resample_poly`, with -6 dB at the lower of the two Nyquist frequencies. Samples
    before the start count as 0.

    Parameters
    ----------
    n_chans : electrodes.
    sfreq_in, sfreq_out : rates in Hz before and behind the layer.

    Attributes
    ----------
    up, down : L and M.
    delay : group delay in s, the same for all frequencies.

    Raises
    ------
    ModelError
        For rates that are not positive or equal, or whose ratio needs more than 65536 coefficients; for an
        input whose n_times is no multiple of M.
    """

    weight: Tensor  # (L, 1, 1, coefficients of a phase)

    def __init__(self, n_chans: int, sfreq_in: float, sfreq_out: float) -> None:
        super().__init__()
        import numpy as np
        from scipy.signal import firwin

        require_positive("Resample", sfreq_in=sfreq_in, sfreq_out=sfreq_out)
        ratio = rate_ratio(sfreq_in, sfreq_out)
        if ratio == 1:
            raise ModelError(f"Resample: both rates are {sfreq_in:g} Hz; leave the layer out")
        self.n_chans, self.up, self.down = n_chans, ratio.numerator, ratio.denominator
        slower = max(self.up, self.down)
        half = REACH * slower
        # the smallest index that the first phase reads is negative: there are zeros in front of the filter
        early = (self.down - 1) * (self.up - 1)
        n_taps = (2 * half + early) // self.up + 1
        if self.up * n_taps > LONGEST:
            raise ModelError(
                f"Resample: {sfreq_in:g} Hz to {sfreq_out:g} Hz is a ratio of {ratio}, whose filter has "
                f"{self.up * n_taps} coefficients, more than {LONGEST}; choose rates with smaller terms"
            )
        low_pass = firwin(2 * half + 1, 1.0 / slower, window=("kaiser", KAISER_BETA)) * self.up
        # phase p reads h[(p + 1) M - 1 - (M - 1) L + q L] of the sample q before the newest
        at = (np.arange(1, self.up + 1) * self.down - 1 - (self.down - 1) * self.up)[:, None]
        at = at + np.arange(n_taps)[::-1] * self.up  # a convolution's first tap meets the oldest sample
        inside = (at >= 0) & (at < len(low_pass))
        phases = np.where(inside, low_pass[np.clip(at, 0, len(low_pass) - 1)], 0.0)
        self.register_buffer("weight", torch.from_numpy(phases).float()[:, None, None, :])
        self.left_padding = n_taps - self.down
        self.delay = half / (self.up * sfreq_in)

    def forward(self, x: Tensor) -> Tensor:
        """Resample x."""
        require_signal("Resample", x, self.n_chans, self.down)
        phases = F.conv2d(F.pad(x.unsqueeze(1), (self.left_padding, 0)), self.weight, stride=(1, self.down))
        if self.up == 1:
            return phases.squeeze(1)
        if torch.compiler.is_exporting():
            y: Tensor = interleave(phases)
            return y
        return weave(phases)
