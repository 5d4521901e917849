"""Power of each channel in frequency bands, window by window."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from edgeeeg.errors import ModelError
from edgeeeg.layers.stft import ShortTimeFourier


class BandPowers(ShortTimeFourier):
    """Band powers, (batch, n_chans, n_times) to (batch, n_chans, n_bands, frames), in squared units of x.

    The power in [low, high) Hz is the sum over its bins of the one-sided periodogram of the window, times the
    distance of the bins: `scipy.signal.periodogram` with scaling "density" and without detrending, so an
    offset belongs into no band that begins above the width of the window's main lobe; put a `BandPass` in
    front. With `log_floor` the result is the natural logarithm of power plus that floor.

    Parameters
    ----------
    n_chans : electrodes.
    sfreq : sampling rate in Hz.
    bands : pairs (low, high) in Hz, 0 <= low < high.
    window_seconds, hop_seconds : s, whole samples each, the hop no longer than the window.
    window : a window of `scipy.signal.get_window`.
    log_floor : above 0, in squared units of x; None for the powers themselves.

    Raises
    ------
    ModelError
        For settings outside those ranges, or a band that holds no bin, each sfreq / n_window Hz apart.

    References
    ----------
    Welch 1967, IEEE Trans. Audio Electroacoust. 15(2): each frame is one of the averaged periodograms.
    """

    weights: Tensor  # (n_bands, bins)

    def __init__(
        self,
        n_chans: int,
        sfreq: float,
        bands: Sequence[tuple[float, float]],
        window_seconds: float,
        hop_seconds: float,
        window: str = "hamming",
        log_floor: float | None = None,
    ) -> None:
        super().__init__(n_chans, sfreq, window_seconds, hop_seconds, window)
        if not bands:
            raise ModelError("BandPowers: no bands; give pairs (low, high) in Hz, such as ((8.0, 13.0),)")
        if log_floor is not None and not log_floor > 0:
            raise ModelError(f"BandPowers: log_floor is {log_floor}; silence needs one above 0, or None")
        self.log_floor = log_floor
        frequencies = torch.tensor(self.frequencies, dtype=torch.float64)
        # what a bin's |X|² counts for: density times the distance of bins, twice where a bin has its mirror
        density = torch.full_like(frequencies, 2.0)
        density[0] = 1.0
        if self.n_window % 2 == 0:
            density[-1] = 1.0
        density /= self.n_window * float(self.window.double().square().sum())
        rows = []
        for low, high in bands:
            inside = (frequencies >= low) & (frequencies < high)
            if not (0 <= low < high and inside.any()):
                raise ModelError(
                    f"BandPowers: no bin in {low:g} Hz to {high:g} Hz: windows of {window_seconds:g} s have "
                    f"one every {1 / window_seconds:g} Hz to {sfreq / 2:g} Hz; widen the band or the window"
                )
            rows.append(density * inside)
        self.register_buffer("weights", torch.stack(rows).float())

    def forward(self, x: Tensor) -> Tensor:
        """Powers of the windows of x."""
        powers = self.weights @ self.spectra(x).square().sum(-1)
        if self.log_floor is not None:
            powers = torch.log(powers + self.log_floor)
        return powers.reshape(x.shape[0], self.n_chans, *powers.shape[1:])
