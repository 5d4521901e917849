"""Change of sampling rate by polyphase filtering."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from edgeeeg.errors import RecordingError

# The anti-aliasing filter has 20 taps per unit of the larger term, 2.6 million at this limit. Even then an
# output sample costs only 20 to 40 multiplications, because polyphase filtering skips the rest.
MAX_TERM = 131_072


def rate_ratio(sfreq: float, new_sfreq: float) -> Fraction:
    """New rate over old as an exact fraction of their decimal values: 256 Hz from 173.61 Hz is 25600/17361.

    Raises
    ------
    RecordingError
        If a term exceeds 131072, which a rate with too many decimals causes.
    """
    ratio = Fraction(repr(float(new_sfreq))) / Fraction(repr(float(sfreq)))
    if max(ratio.numerator, ratio.denominator) > MAX_TERM:
        raise RecordingError(
            f"cannot resample from {sfreq} Hz to {new_sfreq} Hz: the ratio {ratio} has a term above "
            f"{MAX_TERM}; "
            "choose a rate with fewer decimals"
        )
    return ratio


def resample_polyphase(data: NDArray[np.float32], ratio: Fraction) -> NDArray[np.float32]:
    """Resample by a rational factor with scipy's Kaiser (β = 5) low-pass at the lower Nyquist frequency.

    The filter is zero-phase and therefore not causal. Beyond its ends the signal is continued along the line
    through its first and last sample, so that an offset does not ring there: a constant comes back within
    2e-4 of itself, the filter's ripple.

    Parameters
    ----------
    data : ndarray of float32, shape (n_chans, n_times)
        Signals at the old rate.
    ratio : Fraction
        New rate over old.

    Returns
    -------
    ndarray of float32, shape (n_chans, ceil(n_times * ratio))
        Signals at the new rate; the first sample keeps its time.
    """
    from scipy.signal import resample_poly

    resampled = resample_poly(
        data.astype(np.float64), ratio.numerator, ratio.denominator, axis=1, padtype="line"
    )
    return np.ascontiguousarray(resampled, dtype=np.float32)
