"""Causal continuous wavelet transform as a bank of complex Morlet filters."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgeeeg.errors import ModelError
from edgeeeg.layers.signal_shape import require_positive, require_signal, whole_samples

REACH = 3.0
"""Standard deviations at which the Gaussian is cut off, on either side: 1 % of its peak."""


class MorletFilterBank(nn.Module):
    """Amplitude at each frequency, (batch, n_chans, n_times) to (batch, n_chans, n_frequencies, frames).

    ψ_f(t) = exp(-t² / 2σ²) · (exp(2πi f t) - κ), σ = n_cycles / (2πf), with κ such that its sum is 0 (an
    offset gives nothing), scaled so that a sine of amplitude A at f gives A. All kernels share the length of
    the longest and are centred in it, so all frequencies come out with the same `delay`. Samples before the
    start count as 0.

    Parameters
    ----------
    n_chans : electrodes.
    sfreq : sampling rate in Hz.
    frequencies : Hz, between 0 and sfreq / 2.
    n_cycles : width of the Gaussian; a filter's standard deviation is f / n_cycles in Hz.
    hop_seconds : s between frames, whole samples; one sample without it.
    power : give the square of the amplitude.

    Attributes
    ----------
    hop : samples.
    delay : s, half of the longest kernel.

    Raises
    ------
    ModelError
        For settings outside those ranges; for an input whose n_times is no multiple of the hop.

    References
    ----------
    Tallon-Baudry, Bertrand, Delpuech and Pernier 1996, J. Neurosci. 16(13), time-frequency analysis; κ is
    the admissibility condition of Farge 1992, Annu. Rev. Fluid Mech. 24.
    """

    weight: Tensor  # (2 n_frequencies, 1, 1, n_taps), real parts, then imaginary ones

    def __init__(
        self,
        n_chans: int,
        sfreq: float,
        frequencies: Sequence[float],
        n_cycles: float = 7.0,
        hop_seconds: float | None = None,
        power: bool = False,
    ) -> None:
        super().__init__()
        require_positive("MorletFilterBank", sfreq=sfreq, n_cycles=n_cycles)
        if not frequencies or not all(0 < f < sfreq / 2 for f in frequencies):
            raise ModelError(
                f"MorletFilterBank: frequencies {tuple(frequencies)}; use some within 0 to {sfreq / 2:g} Hz"
            )
        self.n_chans, self.power = n_chans, power
        self.hop = (
            1 if hop_seconds is None else whole_samples("MorletFilterBank", "hop_seconds", hop_seconds, sfreq)
        )
        half = math.ceil(REACH * n_cycles / (2 * math.pi * min(frequencies)) * sfreq)
        n_taps = 2 * half + 1
        if self.hop > n_taps:
            raise ModelError(
                f"MorletFilterBank: a hop of {self.hop} samples skips some between kernels of {n_taps}; "
                "use a shorter hop"
            )
        t = torch.arange(-half, half + 1, dtype=torch.float64) / sfreq
        kernels = [morlet(t, f, n_cycles) for f in frequencies]
        # a convolution's first tap meets the oldest sample
        parts = [k.real.flip(0) for k in kernels] + [k.imag.flip(0) for k in kernels]
        self.register_buffer("weight", torch.stack(parts).float()[:, None, None, :])
        self.left_padding = n_taps - self.hop
        self.delay = half / sfreq

    def forward(self, x: Tensor) -> Tensor:
        """Amplitudes (or powers) of x."""
        require_signal("MorletFilterBank", x, self.n_chans, self.hop)
        y = F.conv2d(F.pad(x.unsqueeze(1), (self.left_padding, 0)), self.weight, stride=(1, self.hop))
        parts = y.reshape(y.shape[0], 2, -1, *y.shape[2:])
        found = parts.square().sum(1) if self.power else torch.linalg.vector_norm(parts, dim=1)
        return torch.transpose(found, 1, 2)


def morlet(t: Tensor, frequency: float, n_cycles: float) -> Tensor:
    """Complex Morlet wavelet at times t (s); a sine of amplitude A at `frequency` (Hz) gives A."""
    sigma = n_cycles / (2 * math.pi * frequency)
    envelope = torch.exp(-0.5 * (t / sigma) ** 2) * (t.abs() <= REACH * sigma)
    wave = torch.polar(torch.ones_like(t), 2 * math.pi * frequency * t)
    centred = envelope * (wave - (envelope * wave).sum() / envelope.sum())
    response = (centred * wave.conj()).sum().abs() / 2  # half of a sine turns each way
    return centred / response
