"""Volts and their submultiples to µV, and whether the result can be EEG at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeeeg.errors import RecordingError

# Both code points that print as µ: U+00B5 (micro sign) and U+03BC (Greek mu).
MICROVOLTS_PER_UNIT = {
    "V": 1e6,
    "mV": 1e3,
    "uV": 1.0,
    "\u00b5V": 1.0,
    "\u03bcV": 1.0,
    "nV": 1e-3,
}

# A 5 kΩ electrode alone has 0.09 µV rms of thermal noise in 100 Hz (sqrt(4kTRB)): half of that is no
# measurement.
MIN_PLAUSIBLE_SD_UV = 0.05
# Above 20 mV even electrode drift is exceeded; EEG of 50 µV taken for mV would show 50 mV.
MAX_PLAUSIBLE_SD_UV = 20_000.0


def microvolts_per_unit(unit: str, what: str) -> float:
    """Factor that turns values in unit into µV.

    Parameters
    ----------
    unit : str
        One of V, mV, uV (or µV), nV. Case matters: ``MV`` is not ``mV``.
    what : str
        What carries the unit, for the error message.

    Raises
    ------
    RecordingError
        If the unit is not a voltage known here.
    """
    if unit not in MICROVOLTS_PER_UNIT:
        raise RecordingError(
            f"{what} has the unit {unit!r}: known are V, mV, uV (µV) and nV; state one of them"
        )
    return MICROVOLTS_PER_UNIT[unit]


def require_plausible_microvolts(data: NDArray[np.floating], what: str) -> None:
    """Refuse signals whose size betrays a wrong unit.

    Looks at the median over channels of the standard deviation, so that one saturated or disconnected channel
    does not decide; flat channels are left out, and signals that are flat throughout pass.

    Parameters
    ----------
    data : ndarray of float, shape (n_chans, n_times)
        Signals in what is claimed to be µV.
    what : str
        Where they come from, for the error message.

    Raises
    ------
    RecordingError
        If the median standard deviation is below 0.05 µV or above 20 mV.
    """
    deviations = data.std(axis=1, dtype=np.float64)
    deviations = deviations[deviations > 0]
    if deviations.size == 0:
        return
    median = float(np.median(deviations))
    if median < MIN_PLAUSIBLE_SD_UV:
        raise RecordingError(
            f"{what}: a typical channel varies by only {median:.3g} µV (SD), less than the noise of an "
            "electrode; "
            "the values look like V or mV: state the unit they are really in"
        )
    if median > MAX_PLAUSIBLE_SD_UV:
        raise RecordingError(
            f"{what}: a typical channel varies by {median:.3g} µV (SD), more than any electrode does; "
            "the values look like a smaller unit or raw counts: state the unit they are really in"
        )
