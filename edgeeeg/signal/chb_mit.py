"""One channel of the CHB-MIT record chb01_26, the long labelled excerpt.

Shoeb 2009, PhD thesis, MIT; PhysioNet, CHB-MIT Scalp EEG Database 1.0.0 (ODC-By 1.0).
"""

from __future__ import annotations

from pathlib import Path

from edgeeeg.signal.annotation import Annotation
from edgeeeg.signal.npy_int16 import read_npy_int16
from edgeeeg.signal.recording import Recording

CHB01_26_SFREQ = 256.0  # Hz
CHB01_26_SEIZURE = Annotation(1862.0, 101.0, "seizure")

# Assumed, not stated in the excerpt: the EDF headers of the database map 4096 counts to ±800 µV.
ASSUMED_UV_PER_COUNT = 1600 / 4095


def read_chb01_26(path: str | Path, *, uv_per_count: float) -> Recording:
    """Recording of the excerpt: int16[595200] at 256 Hz (2325 s) with its seizure at 1862–1963 s.

    Parameters
    ----------
    path : str or Path
        The excerpt's ``.npy`` file.
    uv_per_count : float
        Size of one count in µV; the excerpt does not state it, `ASSUMED_UV_PER_COUNT` is the database's usual
        one.

    Raises
    ------
    RecordingError
        As `read_npy_int16`, and if the file ends before the seizure does.
    """
    return read_npy_int16(path, CHB01_26_SFREQ, uv_per_count=uv_per_count, annotations=(CHB01_26_SEIZURE,))
