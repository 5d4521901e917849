from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from edfio import Edf, EdfAnnotation, EdfSignal, Patient

from edgeeeg.errors import RecordingError
from edgeeeg.signal import Annotation, read_edf

RNG = np.random.default_rng(11)
FIXED_HEADER = 256


def signal(label: str, unit: str = "uV", sfreq: float = 100.0, sd: float = 30.0) -> EdfSignal:
    return EdfSignal(RNG.normal(0, sd, int(4 * sfreq)), sfreq, label=label, physical_dimension=unit)


def write(path: Path, *signals: EdfSignal, annotations: list[EdfAnnotation] | None = None) -> Path:
    Edf(list(signals), patient=Patient(code="S01", name="Doe"), annotations=annotations).write(path)
    return path


def patch(path: Path, offset: int, field: bytes) -> Path:
    """Overwrite a header field in place."""
    content = bytearray(path.read_bytes())
    content[offset : offset + len(field)] = field
    path.write_bytes(content)
    return path


def test_reads_samples_names_rate_and_annotations(tmp_path: Path) -> None:
    fz, cz = signal("Fz"), signal("Cz")
    path = write(
        tmp_path / "a.edf",
        fz,
        cz,
        annotations=[
            EdfAnnotation(0.5, 1.25, "seizure"),
            EdfAnnotation(2.0, None, "pop@@Cz"),
            EdfAnnotation(3.0, 0.5, "muscle@@Fz"),
            EdfAnnotation(3.0, 0.5, "muscle@@Cz"),
        ],
    )
    recording = read_edf(path)
    assert (recording.ch_names, recording.sfreq, recording.unit) == (("Fz", "Cz"), 100.0, "uV")
    assert (recording.subject, recording.source) == ("S01", "a.edf")
    np.testing.assert_array_equal(recording.data, np.float32([fz.data, cz.data]))
    assert recording.annotations == (
        Annotation(0.5, 1.25, "seizure"),
        Annotation(2.0, 0.0, "pop", ("Cz",)),
        Annotation(3.0, 0.5, "muscle", ("Cz", "Fz")),
    )
    assert read_edf(path, annotations=False).annotations == ()


def test_plain_edf_has_no_subject_code_because_its_field_may_hold_a_name(tmp_path: Path) -> None:
    assert read_edf(write(tmp_path / "a.edf", signal("Fz"))).subject == ""


def test_channels_are_read_in_the_order_asked_for(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.edf", signal("Fz"), signal("Cz"), annotations=[EdfAnnotation(1.0, None, "pop@@Fz")]
    )
    recording = read_edf(path, ["Cz"])
    assert (recording.ch_names, recording.annotations) == (("Cz",), ())
    np.testing.assert_array_equal(read_edf(path, ["Cz", "Fz"]).data, read_edf(path).data[::-1])
    with pytest.raises(RecordingError, match="no channel 'CZ'; here it is called 'Cz'; available: Fz, Cz"):
        read_edf(path, ["CZ"])


@pytest.mark.parametrize(("unit", "sd"), [("V", 3e-5), ("mV", 0.03), ("uV", 30.0), ("nV", 30000.0)])
def test_units_come_from_the_header(tmp_path: Path, unit: str, sd: float) -> None:
    recording = read_edf(write(tmp_path / "a.edf", signal("Fz", unit, sd=sd)))
    assert recording.data.std() == pytest.approx(30, rel=0.2)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_a_micro_sign_is_understood(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "a.edf", signal("Fz"))
    patch(path, FIXED_HEADER + 16 + 80, "µV".encode(encoding).ljust(8))
    assert read_edf(path).data.std() == pytest.approx(30, rel=0.2)


def test_an_unknown_unit_names_the_channel_and_the_remedy(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", signal("Fz"), signal("SpO2", "%"))
    with pytest.raises(RecordingError, match=r"channel 'SpO2' has the unit '%'.*unit=.*channels="):
        read_edf(path)
    assert read_edf(path, ["Fz"]).ch_names == ("Fz",)
    assert read_edf(path, unit="uV").ch_names == ("Fz", "SpO2")


def test_a_wrong_unit_is_found_out_and_can_be_corrected(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", signal("Fz", "uV", sd=3e-5))
    with pytest.raises(RecordingError, match=r"a\.edf: .*look like V or mV"):
        read_edf(path)
    assert read_edf(path, unit="V").data.std() == pytest.approx(30, rel=0.2)


def test_different_rates_need_a_choice(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", signal("Fz"), signal("EMG", sfreq=200.0))
    with pytest.raises(RecordingError, match=r"100 Hz: Fz; 200 Hz: EMG\): name the ones to read"):
        read_edf(path)
    assert read_edf(path, ["EMG"]).sfreq == 200.0


def test_repeated_labels_are_numbered_as_mne_does_and_dashes_dropped(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", *(signal(name) for name in ("T8-P8", "-", "Cz", "T8-P8", "-", ".")))
    recording = read_edf(path)
    assert recording.ch_names == ("T8-P8-0", "Cz", "T8-P8-1")


def test_labels_that_stay_ambiguous_are_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", *(signal(name) for name in ("Cz", "Cz-1", "Cz")))
    with pytest.raises(RecordingError, match="ambiguous"):
        read_edf(path)


@pytest.mark.parametrize("kept", [0, 100, 256, 600, 1000, -1])
def test_a_truncated_file_gives_bytes_expected_and_found(tmp_path: Path, kept: int) -> None:
    path = write(tmp_path / "a.edf", signal("Fz"), signal("Cz"))
    content = path.read_bytes()[:kept]
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=rf"a\.edf: is truncated: \d+ bytes .* {len(content)} found"):
        read_edf(path)


def test_bytes_after_the_end_are_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", signal("Fz"))
    path.write_bytes(path.read_bytes() + b"\0\0\0")
    with pytest.raises(RecordingError, match="3 bytes follow"):
        read_edf(path)


@pytest.mark.parametrize(
    ("offset", "field", "message"),
    [
        (0, b"\xffBIOSEMI", "is a BDF file"),
        (0, b"RIFFxxxx", "is not an EDF file"),
        (184, b"9999    ", "claims 9999 bytes, but has 512"),
        (236, b"-1      ", "never closed"),
        (236, b"0       ", "holds no samples"),
        (236, b"four    ", "number of data records is b'four    ', not a number"),
        (244, b"0       ", "last 0 s"),
        (244, b"second  ", "record duration is b'second  '"),
        (252, b"0   ", "holds no signal"),
        (FIXED_HEADER + 16 + 80 + 8, b"1       1       ", "'Fz' has an empty range, physical 1..1"),
        (FIXED_HEADER + 16 + 80 + 8, b"low     ", "'Fz' has a damaged range"),
    ],
)
def test_a_damaged_header_is_explained(tmp_path: Path, offset: int, field: bytes, message: str) -> None:
    path = patch(write(tmp_path / "a.edf", signal("Fz")), offset, field)
    with pytest.raises(RecordingError, match=message):
        read_edf(path)


def test_gaps_are_refused_and_a_discontinuous_file_without_them_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", signal("Fz"), annotations=[])
    patch(path, 192, b"EDF+D")
    assert read_edf(path).n_times == 400
    content = path.read_bytes()
    assert content.count(b"+3\x14\x14") == 1
    path.write_bytes(content.replace(b"+3\x14\x14", b"+9\x14\x14"))
    with pytest.raises(RecordingError, match=r"discontinuous EDF\+D file"):
        read_edf(path)


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (EdfAnnotation(3.0, 2.0, "seizure"), "'seizure' ends at 5 s, beyond the end"),
        (EdfAnnotation(-1.0, 0.5, "before"), "neither may be negative"),
        (EdfAnnotation(1.0, 0.5, "pop@@Pz"), "no channel 'Pz'"),
    ],
)
def test_annotations_that_do_not_fit_can_be_left_out(
    tmp_path: Path, annotation: EdfAnnotation, message: str
) -> None:
    path = write(tmp_path / "a.edf", signal("Fz"), annotations=[annotation])
    with pytest.raises(RecordingError, match=rf"annotations=False: .*{message}"):
        read_edf(path)
    assert read_edf(path, annotations=False).annotations == ()


def test_an_absent_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"absent\.edf: cannot be read: No such file"):
        read_edf(tmp_path / "absent.edf")


def test_a_file_without_signals_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="has no signal to read"):
        read_edf(write(tmp_path / "a.edf", signal("-")))


@pytest.mark.parametrize("name", ["unlabelled-1.edf", "unlabelled-2.edf"])
def test_real_files_agree_with_mne(eeg_data: Path, name: str) -> None:
    path = eeg_data / "chb-mit" / name
    recording = read_edf(path)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="mne")
        import mne

        reference = mne.io.read_raw_edf(path, preload=True, verbose="ERROR")
    assert recording.ch_names == tuple(reference.ch_names)
    assert recording.sfreq == reference.info["sfreq"] == 256.0
    np.testing.assert_allclose(recording.data, reference.get_data(units="uV"), rtol=1e-6, atol=1e-4)
