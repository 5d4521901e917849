"""Read one channel of raw ADC counts from a NumPy file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgeeeg.errors import RecordingError
from edgeeeg.signal.annotation import Annotation
from edgeeeg.signal.recording import Recording


def read_npy_int16(
    path: str | Path,
    sfreq: float,
    *,
    uv_per_count: float,
    ch_name: str = "EEG",
    annotations: Sequence[Annotation] = (),
) -> Recording:
    """Recording of a one-dimensional int16 array, which itself states neither rate, gain nor name.

    Parameters
    ----------
    path : str or Path
        A ``.npy`` file of shape (n_times,).
    sfreq : float
        Sampling rate in Hz.
    uv_per_count : float
        Size of one count in µV.
    ch_name : str
        Name of the channel.
    annotations : sequence of Annotation
        Events.

    Raises
    ------
    RecordingError
        If the file is truncated, not NumPy, of another type or shape, or does not make a recording.
    """
    path = Path(path)
    try:
        counts = np.load(path, allow_pickle=False)
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, EOFError) as error:
        raise RecordingError(f"{path}: is truncated or not a NumPy file: {error}") from error
    if not isinstance(counts, np.ndarray) or counts.dtype != np.int16 or counts.ndim != 1:
        found = (
            f"{counts.dtype} of shape {counts.shape}" if isinstance(counts, np.ndarray) else "several arrays"
        )
        raise RecordingError(f"{path}: int16 of shape (n_times,) expected, {found} found")
    return Recording.from_int16(
        counts[:, None], uv_per_count, (ch_name,), sfreq, annotations=annotations, source=path.name
    )
