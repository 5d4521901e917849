"""Causal filters of second-order sections: band-pass, notch, or any design of scipy's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from edgeeeg.cells import biquad
from edgeeeg.errors import ModelError
from edgeeeg.layers.signal_shape import require_positive, require_signal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SosFilter(nn.Module):
    """Cascade of second-order sections, (batch, n_chans, n_times) to the same shape and unit.

    Each channel is filtered from rest, once and forwards, as `scipy.signal.sosfilt` does, but with memories
    in the operator z - 1 (`edgeeeg.cells.biquad`), whose float32 keeps low cut-off frequencies in place.

    Parameters
    ----------
    n_chans : electrodes.
    sos : ndarray of float64, shape (n_sections, 6)
        Sections as scipy's designs give them with `output="sos"`.

    Raises
    ------
    ModelError
        For sections of another shape, not normalized, or unstable; for an input of another shape.
    """

    coefficients: Tensor  # (n_sections, 5), see edgeeeg.cells.biquad

    def __init__(self, n_chans: int, sos: NDArray[np.float64]) -> None:
        super().__init__()
        self.n_chans = n_chans
        coefficients = torch.from_numpy(biquad.delta_coefficients(sos)).float()
        self.register_buffer("coefficients", coefficients)

    def forward(self, x: Tensor) -> Tensor:
        """Filter x."""
        require_signal(type(self).__name__, x, self.n_chans)
        if torch.compiler.is_exporting():
            y: Tensor = biquad.biquad(x, self.coefficients)
            return y
        return biquad.scan(biquad.BiquadParams(self.coefficients), x)[0]


class BandPass(SosFilter):
    """Butterworth band-pass from `low` to `high` Hz, the frequencies at which the amplitude falls to 0.71.

    Parameters
    ----------
    n_chans : electrodes.
    low, high : Hz, 0 < low < high < sfreq / 2.
    sfreq : sampling rate in Hz.
    order : order of either slope, 6 dB per octave each; there are as many sections.

    Raises
    ------
    ModelError
        For frequencies outside that range, or an order so high that float64 cannot hold the filter.
    """

    def __init__(self, n_chans: int, low: float, high: float, sfreq: float, order: int = 4) -> None:
        from scipy.signal import butter

        if not 0 < low < high < sfreq / 2:
            raise ModelError(
                f"BandPass: {low:g} to {high:g} Hz at {sfreq:g} Hz; use 0 < low < high < {sfreq / 2:g} Hz"
            )
        require_positive("BandPass", order=order)
        super().__init__(n_chans, butter(order, (low, high), btype="bandpass", fs=sfreq, output="sos"))


class Notch(SosFilter):
    """Second-order notch at `frequency` Hz, such as the 50 Hz or 60 Hz of the mains.

    Parameters
    ----------
    n_chans : electrodes.
    frequency : Hz, between 0 and sfreq / 2.
    sfreq : sampling rate in Hz.
    q : frequency over the width in Hz between the points where the amplitude falls to 0.71.

    Raises
    ------
    ModelError
        For a frequency outside that range or a Q that is not positive.
    """

    def __init__(self, n_chans: int, frequency: float, sfreq: float, q: float = 30.0) -> None:
        from scipy.signal import iirnotch, tf2sos

        if not 0 < frequency < sfreq / 2:
            raise ModelError(
                f"Notch: {frequency:g} Hz at {sfreq:g} Hz; it needs a frequency within 0 to {sfreq / 2:g} Hz"
            )
        require_positive("Notch", q=q)
        super().__init__(n_chans, tf2sos(*iirnotch(frequency, q, fs=sfreq)))
