from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeeeg.errors import RecordingError
from edgeeeg.signal import read_bonn
from edgeeeg.signal.bonn import DESCRIPTIONS, N_TIMES


@pytest.fixture
def made_up_set(tmp_path: Path) -> Path:
    """A complete set whose segments count upwards; N is named as the original names it."""
    text = "\r\n".join(str(value - 2000) for value in range(N_TIMES)) + "\r\n"
    for set_name in DESCRIPTIONS:
        folder = tmp_path / set_name
        folder.mkdir()
        for number in range(1, 101):
            suffix = "TXT" if set_name == "N" else "txt"
            (folder / f"{set_name}{number:03d}.{suffix}").write_text(text, newline="")
    return tmp_path


def test_reads_all_500_in_order(made_up_set: Path) -> None:
    segments = read_bonn(made_up_set)
    assert len(segments) == 500
    assert [s.set_name for s in segments[::100]] == ["Z", "O", "N", "F", "S"]
    assert [s.number for s in segments[:100]] == list(range(1, 101))
    assert sum(s.ictal for s in segments) == 100
    last = segments[-1].recording
    assert (last.ch_names, last.sfreq, last.unit, last.source) == (("EEG",), 173.61, "uV", "bonn/S100")
    assert last.data[0, 0] == -2000
    assert last.data[0, -1] == N_TIMES - 2001
    assert [(a.onset, a.description) for a in last.annotations] == [(0.0, "ictal")]


def test_a_missing_folder_is_named(made_up_set: Path) -> None:
    (made_up_set / "F").rename(made_up_set / "other")
    with pytest.raises(RecordingError, match="incomplete, folder F is missing"):
        read_bonn(made_up_set)


def test_a_missing_file_is_named(made_up_set: Path) -> None:
    (made_up_set / "S" / "S042.txt").unlink()
    with pytest.raises(RecordingError, match=r"1 of 100 files are missing, the first is S042\.txt"):
        read_bonn(made_up_set)


def test_a_truncated_file_is_named(made_up_set: Path) -> None:
    path = made_up_set / "N" / "N007.TXT"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(RecordingError, match=r"N007\.TXT: 4097 integers expected, \d+ found"):
        read_bonn(made_up_set)


def test_something_else_than_integers_is_shown(made_up_set: Path) -> None:
    path = made_up_set / "Z" / "Z001.txt"
    path.write_bytes(path.read_bytes().replace(b"-2000", b"1.5", 1))
    with pytest.raises(RecordingError, match=r"Z001\.txt: .*'1\.5'"):
        read_bonn(made_up_set)


def test_the_real_set_has_its_known_amplitudes(eeg_data: Path) -> None:
    segments = read_bonn(eeg_data / "bonn")
    deviations = {
        name: np.mean([s.recording.data.std() for s in segments if s.set_name == name])
        for name in DESCRIPTIONS
    }
    assert {name: round(float(sd)) for name, sd in deviations.items()} == {
        "Z": 41,
        "O": 61,
        "N": 51,
        "F": 66,
        "S": 307,
    }
