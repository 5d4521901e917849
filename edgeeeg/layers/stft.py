"""Causal short-time Fourier transform."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgeeeg.errors import ModelError
from edgeeeg.layers.signal_shape import require_positive, require_signal, whole_samples


class ShortTimeFourier(nn.Module):
    """Spectra of windows that end with each hop: what layers of short-time spectra are made of.

    X[k, j] = Σ_n w[n] · x[(j + 1) · hop - n_window + n] · exp(-2πi kn / n_window), real and imaginary part;
    samples before the start count as 0, and nothing is normalized.

    Parameters
    ----------
    n_chans : electrodes.
    sfreq : sampling rate in Hz.
    window_seconds, hop_seconds : s, whole samples each, the hop no longer than the window.
    window : a window of `scipy.signal.get_window`.

    Attributes
    ----------
    n_window, hop : samples.
    frequencies : Hz of the n_window // 2 + 1 bins.
    delay : s from the middle of a window to its frame.

    Raises
    ------
    ModelError
        For settings outside those ranges; for an input whose n_times is no multiple of the hop.
    """

    window: Tensor  # (n_window,)

    def __init__(
        self, n_chans: int, sfreq: float, window_seconds: float, hop_seconds: float, window: str = "hamming"
    ) -> None:
        super().__init__()
        from scipy.signal import get_window

        layer = type(self).__name__
        require_positive(layer, sfreq=sfreq)
        self.n_chans, self.sfreq = n_chans, sfreq
        self.n_window = whole_samples(layer, "window_seconds", window_seconds, sfreq)
        self.hop = whole_samples(layer, "hop_seconds", hop_seconds, sfreq)
        if self.hop > self.n_window:
            raise ModelError(
                f"{layer}: a hop of {hop_seconds:g} s skips samples between windows of {window_seconds:g} s; "
                "use a hop no longer than the window"
            )
        try:
            values = get_window(window, self.n_window)
        except ValueError as error:
            raise ModelError(
                f"{layer}: scipy has no window '{window}' ({error}); use hamming, hann or boxcar"
            ) from error
        self.register_buffer("window", torch.from_numpy(values).float())
        self.scale = 1.0 / float(values.sum())
        self.frequencies = tuple(k * sfreq / self.n_window for k in range(self.n_window // 2 + 1))
        self.delay = window_seconds / 2

    def spectra(self, x: Tensor) -> Tensor:
        """Real and imaginary parts of x's spectra, (batch · n_chans, bins, frames, 2)."""
        require_signal(type(self).__name__, x, self.n_chans, self.hop)
        padded = F.pad(x, (self.n_window - self.hop, 0)).flatten(0, 1)
        spectrum = torch.stft(
            padded, self.n_window, self.hop, window=self.window, center=False, return_complex=True
        )
        parts: Tensor = torch.view_as_real(spectrum)
        return parts


class StftMagnitude(ShortTimeFourier):
    """Amplitude spectra in the unit of x, (batch, n_chans, n_times) to (batch, n_chans, bins, frames).

    |X[k, j]| / Σ w: a sine of amplitude A at a bin between the first and the last gives A / 2 there, as
    `scipy.signal.stft` with its scaling "spectrum". Settings and attributes are those of `ShortTimeFourier`.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Magnitudes of the windows of x."""
        scaled = self.spectra(x) * self.scale
        magnitudes: Tensor = torch.linalg.vector_norm(scaled, dim=-1)
        return magnitudes.reshape(x.shape[0], self.n_chans, *magnitudes.shape[1:])
