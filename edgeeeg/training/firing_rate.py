"""Firing-rate regularization: what to add to a loss, so that neurons neither fall silent nor fire always.

References
----------
CAAST-Net, eq. 5: L_fr = |1/T Σ_t S_t − f_r|, a rate for every neuron.
Zenke and Vogels 2021, The remarkable robustness of surrogate gradient learning, Neural Computation 33: bounds
on either side in place of one rate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeeeg.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor


def rate_loss(spikes: Tensor, rate: float) -> Tensor:
    """Mean distance of the neurons' firing rates from one that is wanted, a scalar.

    Parameters
    ----------
    spikes : (batch, time, n) of 0 and 1.
    rate : spikes a frame, within [0, 1].

    Raises
    ------
    ModelError
        For a rate outside [0, 1].
    """
    _require_rates(rate)
    return (spikes.mean(1) - rate).abs().mean()


def rate_band_loss(spikes: Tensor, low: float, high: float) -> Tensor:
    """Mean distance of the neurons' firing rates from a band, a scalar: nothing for rates within it.

    Parameters
    ----------
    spikes : (batch, time, n) of 0 and 1.
    low, high : ends of the band in spikes a frame.

    Raises
    ------
    ModelError
        Unless 0 <= low <= high <= 1.
    """
    _require_rates(low, high)
    rates = spikes.mean(1)
    return ((low - rates).clamp(min=0) + (rates - high).clamp(min=0)).mean()


def _require_rates(*rates: float) -> None:
    if not all(0.0 <= rate <= 1.0 for rate in rates) or list(rates) != sorted(rates):
        shown = " to ".join(f"{rate:g}" for rate in rates)
        raise ModelError(f"firing rate of {shown} spikes a frame: give rates within [0, 1], the lower first")
