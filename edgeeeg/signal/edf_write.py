"""Write EDF+ files."""

from __future__ import annotations

import math
import os
from fractions import Fraction
from pathlib import Path

from edgeeeg.errors import MissingDependency, RecordingError
from edgeeeg.signal.annotation import Annotation
from edgeeeg.signal.edf import CHANNEL_MARK
from edgeeeg.signal.recording import Recording

# The header holds a record's duration in eight characters, and readers derive the rate from it: only exact
# decimals keep the rate exact.
DURATION_CHARACTERS = 8
MAX_LABEL_CHARACTERS = 16
# The EDF specification recommends no more for one data record.
RECOMMENDED_RECORD_BYTES = 61_440


def write_edf(recording: Recording, path: str | Path) -> None:
    """Write a recording as EDF+C in µV; the file appears whole or not at all.

    Samples are rounded to 16 bits over each channel's own range: the error is at most (max − min) / 131070
    plus the rounding of that range to eight characters.

    Parameters
    ----------
    recording : Recording
        Signals in µV.
    path : str or Path
        The file, replaced if it exists.

    Raises
    ------
    RecordingError
        If the recording is not in µV, a name does not fit the format, the samples do not fill data records of
        an exact duration, or the file cannot be written.
    """
    try:
        from edfio import Edf, EdfAnnotation, EdfSignal, Patient
    except ImportError as error:
        raise MissingDependency("writing EDF needs edfio: pip install 'edgeeeg[eeg]'") from error
    path = Path(path)
    if recording.unit != "uV":
        raise RecordingError(
            f"EDF holds µV, but this recording has the unit {recording.unit!r}: write it before normalising"
        )
    for name in recording.ch_names:
        if len(name) > MAX_LABEL_CHARACTERS or not name.isascii():
            raise RecordingError(
                f"channel name {name!r} does not fit EDF, which takes {MAX_LABEL_CHARACTERS} ASCII characters"
            )
    duration = record_duration(recording.n_times, recording.sfreq, recording.n_chans)
    edf = Edf(
        [
            EdfSignal(row.astype("float64"), recording.sfreq, label=name, physical_dimension="uV")
            for name, row in zip(recording.ch_names, recording.data, strict=True)
        ],
        patient=Patient(code="_".join(recording.subject.split()) or "X"),
        data_record_duration=float(duration),
        annotations=[
            EdfAnnotation(a.onset, a.duration, text)
            for a in recording.annotations
            for text in _annotation_texts(a)
        ],
    )
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        edf.write(partial)
        partial.replace(path)
    except OSError as error:
        raise RecordingError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def record_duration(n_times: int, sfreq: float, n_chans: int) -> Fraction:
    """Duration of a data record in s that divides the recording, near 1 s and exact in eight characters.

    Parameters
    ----------
    n_times : int
        Samples per channel.
    sfreq : float
        Sampling rate in Hz.
    n_chans : int
        Number of channels; many of them make shorter records preferable.

    Raises
    ------
    RecordingError
        If there is none; the message says what to crop to.
    """
    rate = Fraction(repr(float(sfreq)))
    divisors = {
        divisor
        for small in range(1, math.isqrt(n_times) + 1)
        if n_times % small == 0
        for divisor in (small, n_times // small)
    }
    fitting = [samples for samples in divisors if _is_exact(samples / rate)]
    if fitting:
        best = min(fitting, key=lambda n: (2 * n * n_chans > RECOMMENDED_RECORD_BYTES, abs(n / rate - 1), n))
        return best / rate
    # rate.numerator samples last rate.denominator seconds, an integer.
    if rate.numerator <= n_times:
        remedy = f"crop to a multiple of {rate.numerator} samples ({rate.denominator} s)"
    else:
        remedy = "resample to a whole number of Hz and crop to whole seconds"
    raise RecordingError(
        f"{n_times} samples at {sfreq:g} Hz do not fill EDF data records of an exact duration: {remedy}"
    )


def _is_exact(duration: Fraction) -> bool:
    text = repr(float(duration))
    return Fraction(text) == duration and len(text.removesuffix(".0")) <= DURATION_CHARACTERS


def _annotation_texts(annotation: Annotation) -> tuple[str, ...]:
    if CHANNEL_MARK in annotation.description or not annotation.description.isprintable():
        raise RecordingError(
            f"annotation {annotation.description!r} does not fit EDF+, which gives {CHANNEL_MARK!r} and "
            "control "
            "characters a meaning of their own: reword it"
        )
    if not annotation.ch_names:
        return (annotation.description,)
    return tuple(f"{annotation.description}{CHANNEL_MARK}{name}" for name in annotation.ch_names)
