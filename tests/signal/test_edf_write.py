from __future__ import annotations

import warnings
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from edgeeeg.errors import RecordingError
from edgeeeg.signal import Annotation, Recording, read_edf, synthesize, write_edf
from edgeeeg.signal.edf_write import record_duration


def test_what_is_written_is_read_again(tmp_path: Path, noise: Recording) -> None:
    path = tmp_path / "noise.edf"
    write_edf(noise, path)
    back = read_edf(path)
    assert (back.ch_names, back.sfreq, back.annotations) == (noise.ch_names, 128.0, noise.annotations)
    assert (back.subject, back.source) == ("S01", "noise.edf")
    step = np.ptp(noise.data, axis=1, keepdims=True) / 65535
    assert (np.abs(back.data - noise.data) <= 0.51 * step + 1e-4).all()


@pytest.mark.parametrize(("subject", "read"), [("", ""), ("S 01", "S_01")])
def test_the_subjects_code_is_one_word(tmp_path: Path, noise: Recording, subject: str, read: str) -> None:
    write_edf(replace(noise, subject=subject), tmp_path / "a.edf")
    assert read_edf(tmp_path / "a.edf").subject == read


def test_the_rate_of_bonn_survives_exactly(tmp_path: Path) -> None:
    recording = synthesize(100.0)
    write_edf(recording, tmp_path / "a.edf")
    back = read_edf(tmp_path / "a.edf")
    assert (back.sfreq, back.n_times) == (173.61, recording.n_times)


def test_mne_reads_the_same(tmp_path: Path, noise: Recording) -> None:
    path = tmp_path / "noise.edf"
    write_edf(noise, path)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="mne")
        import mne

        raw = mne.io.read_raw_edf(path, preload=True, verbose="ERROR")
    np.testing.assert_allclose(raw.get_data(units="uV"), read_edf(path).data, atol=1e-4)
    assert [(a["onset"], a["duration"], a["description"]) for a in raw.annotations] == [
        (1.0, 2.0, "seizure"),
        (4.0, 0.0, "electrode pop"),
    ]
    assert raw.annotations.ch_names[1] == ("T7",)


@pytest.mark.parametrize(
    ("n_times", "sfreq", "n_chans", "expected"),
    [
        (77056, 256.0, 23, Fraction(1)),
        (104166, 173.61, 1, Fraction(100)),
        (1000, 256.0, 1, Fraction(200, 256)),  # 250 / 256 has nine characters
        (17361, 173.61, 19, Fraction(100)),
        (256, 256.0, 1000, Fraction(16, 256)),
    ],
)
def test_records_last_about_a_second_exactly(
    n_times: int, sfreq: float, n_chans: int, expected: Fraction
) -> None:
    assert record_duration(n_times, sfreq, n_chans) == expected


@pytest.mark.parametrize(
    ("n_times", "sfreq", "remedy"),
    [
        (17362, 173.61, r"crop to a multiple of 17361 samples \(100 s\)"),
        (257, 256.0, r"crop to a multiple of 256 samples \(1 s\)"),
        (4097, 173.61, "resample to a whole number of Hz"),
    ],
)
def test_a_length_without_exact_records_is_an_error(n_times: int, sfreq: float, remedy: str) -> None:
    with pytest.raises(RecordingError, match=rf"{n_times} samples at {sfreq:g} Hz do not fill .*{remedy}"):
        record_duration(n_times, sfreq, 1)


def test_what_edf_cannot_hold_is_refused(tmp_path: Path, noise: Recording) -> None:
    path = tmp_path / "a.edf"
    with pytest.raises(RecordingError, match="unit 'z': write it before normalising"):
        write_edf(noise.zscored(), path)
    for name in ("a name beyond sixteen", "Fµ"):
        with pytest.raises(RecordingError, match=f"'{name}' does not fit"):
            write_edf(replace(noise, ch_names=(name, "T7", "O1")), path)
    for text in ("pop@@T7", "two\x14texts"):
        with pytest.raises(RecordingError, match="reword it"):
            write_edf(replace(noise, annotations=(Annotation(1.0, 1.0, text),)), path)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_the_old_file_and_leaves_no_half(
    tmp_path: Path, noise: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.edf"
    path.write_bytes(b"old")

    def full_disk(self: object, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edfio.Edf.write", full_disk)
    with pytest.raises(RecordingError, match=r"a\.edf: cannot be written: No space left"):
        write_edf(noise, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
