from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeeeg.errors import RecordingError
from edgeeeg.signal import ASSUMED_UV_PER_COUNT, CHB01_26_SEIZURE, read_chb01_26, read_npy_int16


def test_counts_become_microvolts(tmp_path: Path) -> None:
    path = tmp_path / "counts.npy"
    np.save(path, np.array([1, -2, 3], dtype=np.int16))
    recording = read_npy_int16(path, 100.0, uv_per_count=0.5, ch_name="Cz")
    assert (recording.ch_names, recording.sfreq, recording.source) == (("Cz",), 100.0, "counts.npy")
    np.testing.assert_array_equal(recording.data, [[0.5, -1.0, 1.5]])


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.zeros(3), "float64 of shape"),
        (np.zeros((3, 1), dtype=np.int16), r"int16 of shape \(3, 1\)"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, array: np.ndarray, found: str) -> None:
    path = tmp_path / "other.npy"
    np.save(path, array)
    with pytest.raises(RecordingError, match=rf"int16 of shape \(n_times,\) expected, {found}"):
        read_npy_int16(path, 100.0, uv_per_count=1.0)


@pytest.mark.parametrize("kept", [0, 40, 200])
def test_a_truncated_file_is_an_error(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "cut.npy"
    np.save(path, np.zeros(1000, dtype=np.int16))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(RecordingError, match=r"cut\.npy: is truncated or not a NumPy file"):
        read_npy_int16(path, 100.0, uv_per_count=1.0)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "pickled.npy"
    np.save(path, np.array([{"any": "object"}], dtype=object), allow_pickle=True)
    with pytest.raises(RecordingError, match=r"not a NumPy file: .*allow_pickle=False"):
        read_npy_int16(path, 100.0, uv_per_count=1.0)


def test_an_absent_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        read_npy_int16(tmp_path / "absent.npy", 100.0, uv_per_count=1.0)


def test_an_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "several.npz"
    np.savez(path, a=np.zeros(3, dtype=np.int16))
    with pytest.raises(RecordingError, match="several arrays found"):
        read_npy_int16(path, 100.0, uv_per_count=1.0)


def test_the_chb_mit_excerpt_carries_its_seizure(eeg_data: Path) -> None:
    path = eeg_data / "chb-mit" / "chb01_26_one_channel_int16_256hz.npy"
    recording = read_chb01_26(path, uv_per_count=ASSUMED_UV_PER_COUNT)
    assert (recording.duration, recording.annotations) == (2325.0, (CHB01_26_SEIZURE,))
    seizure = recording.crop(CHB01_26_SEIZURE.onset, CHB01_26_SEIZURE.end)
    before = recording.crop(1500.0, 1862.0)
    assert seizure.data.std() > 2 * before.data.std()
