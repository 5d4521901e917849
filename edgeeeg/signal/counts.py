"""Between real values and the int16 counts that boards receive."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeeeg.errors import RecordingError

INT16_MIN, INT16_MAX = -32768, 32767


def to_int16(
    data: NDArray[np.float32], lsb: float, ch_names: Sequence[str], *, unit: str, allow_clipping: bool = False
) -> tuple[NDArray[np.int16], int]:
    """Round to counts, half to even, saturating at the int16 range.

    Parameters
    ----------
    data : ndarray of float32, shape (n_chans, n_times)
        Finite values in unit.
    lsb : float
        Size of one count in unit.
    ch_names : sequence of str
        Names of the channels, for the error message.
    unit : str
        Unit of the values, for the error message.
    allow_clipping : bool
        Accept saturated samples and only count them.

    Returns
    -------
    samples : ndarray of int16, shape (n_times, n_chans)
        Interleaved, the layout of the wire and of the generated C.
    clipped : int
        How many samples saturated.

    Raises
    ------
    RecordingError
        If lsb is not positive, or samples saturate and that was not allowed.
    """
    _require_positive_lsb(lsb)
    counts = np.rint(data.astype(np.float64) / lsb)
    outside = (counts < INT16_MIN) | (counts > INT16_MAX)
    clipped = int(np.count_nonzero(outside))
    if clipped and not allow_clipping:
        worst = int(outside.sum(axis=1).argmax())
        peak = float(np.abs(data[worst]).max())
        raise RecordingError(
            f"channel {ch_names[worst]!r} exceeds the int16 range of ±{lsb * INT16_MAX:.6g} {unit} at "
            f"{lsb:g} {unit} per count: its peak is {peak:.6g} {unit}, {clipped} samples would saturate "
            "in all; "
            f"use at least {peak / INT16_MAX:.3g} {unit} per count, or allow clipping"
        )
    return np.ascontiguousarray(np.clip(counts, INT16_MIN, INT16_MAX).T.astype(np.int16)), clipped


def from_int16(samples: NDArray[np.int16], lsb: float) -> NDArray[np.float32]:
    """Values of counts: ``samples * lsb``, one float32 multiplication each, as the generated C does it.

    Parameters
    ----------
    samples : ndarray of int16, shape (n_times, n_chans)
        Interleaved counts.
    lsb : float
        Size of one count.

    Returns
    -------
    ndarray of float32, shape (n_chans, n_times)

    Raises
    ------
    RecordingError
        If samples are not two-dimensional int16, or lsb is not positive.
    """
    _require_positive_lsb(lsb)
    if samples.dtype != np.int16 or samples.ndim != 2:
        raise RecordingError(
            f"counts must be int16 of shape (n_times, n_chans), not {samples.dtype} of shape {samples.shape}"
        )
    return np.ascontiguousarray(samples.T.astype(np.float32) * np.float32(lsb))


def _require_positive_lsb(lsb: float) -> None:
    if not (math.isfinite(lsb) and lsb > 0):
        raise RecordingError(f"the size of one count must be positive and finite, not {lsb}")
