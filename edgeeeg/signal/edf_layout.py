"""The size that an EDF file's header promises, against the size it has.

EDF: 256 bytes of ASCII header, 256 per signal, then data records of int16 samples, each record holding a
fixed number of samples per signal (Kemp et al. 1992, Electroencephalogr. Clin. Neurophysiol. 82:391).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgeeeg.errors import RecordingError

FIXED_HEADER_BYTES = 256
SIGNAL_HEADER_BYTES = 256
BYTES_PER_SAMPLE = 2
# Bytes of one signal's header that precede its number of samples per record.
BYTES_BEFORE_SAMPLES = 16 + 80 + 8 + 8 + 8 + 8 + 8 + 80


@dataclass(frozen=True, slots=True)
class EdfLayout:
    """How many bytes a file consists of.

    Parameters
    ----------
    n_records : int
        Number of data records.
    record_samples : tuple of int
        Samples per data record, for each signal including annotation signals.
    """

    n_records: int
    record_samples: tuple[int, ...]

    @property
    def header_bytes(self) -> int:
        """Bytes before the first data record."""
        return FIXED_HEADER_BYTES + SIGNAL_HEADER_BYTES * len(self.record_samples)

    @property
    def file_bytes(self) -> int:
        """Bytes of the whole file."""
        return self.header_bytes + self.n_records * BYTES_PER_SAMPLE * sum(self.record_samples)


def read_layout(path: Path) -> EdfLayout:
    """Read the layout from the header and hold it against the file's size.

    Parameters
    ----------
    path : Path
        An EDF or EDF+ file.

    Raises
    ------
    RecordingError
        If the file is not EDF, its header contradicts itself or holds no samples, the file is shorter or
        longer than the header says, or was never closed by its writer.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            fixed = file.read(FIXED_HEADER_BYTES)
            n_signals = _parse_signal_count(fixed, path)
            signals = file.read(SIGNAL_HEADER_BYTES * n_signals)
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror}") from error
    if len(signals) < SIGNAL_HEADER_BYTES * n_signals:
        raise _truncated(path, FIXED_HEADER_BYTES + SIGNAL_HEADER_BYTES * n_signals, size)
    start = BYTES_BEFORE_SAMPLES * n_signals
    layout = EdfLayout(
        _integer(fixed[236:244], "number of data records", path),
        tuple(
            _integer(signals[start + 8 * i : start + 8 * i + 8], f"samples per record of signal {i}", path)
            for i in range(n_signals)
        ),
    )
    _require_sound(layout, fixed, path)
    if size < layout.file_bytes:
        raise _truncated(path, layout.file_bytes, size)
    if size > layout.file_bytes:
        raise RecordingError(
            f"{path}: {size - layout.file_bytes} bytes follow the {layout.file_bytes} that its header "
            "accounts for: "
            "the header or the file is damaged; copy the file again"
        )
    return layout


def _require_sound(layout: EdfLayout, fixed: bytes, path: Path) -> None:
    header_bytes = _integer(fixed[184:192], "number of header bytes", path)
    if header_bytes != layout.header_bytes:
        raise RecordingError(
            f"{path}: its header claims {header_bytes} bytes, but has {layout.header_bytes} for "
            f"{len(layout.record_samples)} signals: the file is damaged"
        )
    if layout.n_records == -1:
        raise RecordingError(
            f"{path}: its header gives -1 data records, so the recorder never closed the file: "
            "repair it with the recorder's software"
        )
    if layout.n_records < 1 or min(layout.record_samples) < 1:
        raise RecordingError(
            f"{path}: holds no samples: {layout.n_records} data records, "
            f"{layout.record_samples} samples per signal in each"
        )
    try:
        record_seconds = float(fixed[244:252])
    except ValueError as error:
        raise RecordingError(
            f"{path}: the header's record duration is {fixed[244:252]!r}, not a number: the file is damaged"
        ) from error
    if not record_seconds > 0:
        raise RecordingError(
            f"{path}: its data records last {record_seconds:g} s, so there is no sampling rate"
        )


def _parse_signal_count(fixed: bytes, path: Path) -> int:
    if fixed[:8] == b"\xffBIOSEMI":
        raise RecordingError(f"{path}: is a BDF file (24 bit), not EDF: convert it to EDF first")
    if len(fixed) < FIXED_HEADER_BYTES:
        raise _truncated(path, FIXED_HEADER_BYTES, len(fixed))
    if fixed[:8].rstrip() != b"0":
        raise RecordingError(f"{path}: is not an EDF file, which begins with '0' and seven spaces")
    n_signals = _integer(fixed[252:256], "number of signals", path)
    if n_signals < 1:
        raise RecordingError(f"{path}: holds no signal")
    return n_signals


def _integer(field: bytes, what: str, path: Path) -> int:
    try:
        return int(field.decode("ascii"))
    except ValueError as error:
        raise RecordingError(
            f"{path}: the header's {what} is {field!r}, not a number: the file is damaged"
        ) from error


def _truncated(path: Path, expected: int, found: int) -> RecordingError:
    return RecordingError(
        f"{path}: is truncated: {expected} bytes expected from its header, {found} found; copy the file again"
    )
