"""Read EDF and EDF+ files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeeeg.errors import MissingDependency, RecordingError
from edgeeeg.signal.annotation import Annotation
from edgeeeg.signal.edf_layout import read_layout
from edgeeeg.signal.electrodes import describe_missing
from edgeeeg.signal.recording import Recording
from edgeeeg.signal.recording_checks import check_annotations
from edgeeeg.signal.units import microvolts_per_unit, require_plausible_microvolts

if TYPE_CHECKING:
    from edfio import Edf, EdfSignal

# MNE's convention for an EDF+ annotation of one channel: "text@@channel".
CHANNEL_MARK = "@@"


def read_edf(
    path: str | Path,
    channels: Sequence[str] | None = None,
    *,
    unit: str | None = None,
    annotations: bool = True,
) -> Recording:
    """Read signals in µV, and annotations, of an EDF or continuous EDF+ file.

    Repeated labels get running numbers as MNE gives them (``T8-P8-0``, ``T8-P8-1``); signals whose label is
    only a dash or a dot, CHB-MIT's empty columns, are left out.

    Parameters
    ----------
    path : str or Path
        The file.
    channels : sequence of str, optional
        The channels to read, in this order; all signals when left out. Needed where rates or units differ.
    unit : str, optional
        Unit of the signals read, in place of what the header says, for files whose header is wrong or silent.
    annotations : bool
        Read the annotations too; without, a file whose annotations are damaged can still be used.

    Raises
    ------
    RecordingError
        If the file is truncated, not EDF, has gaps (EDF+D), a channel is missing, units are not voltages,
        rates differ, or the values do not make a recording.
    """
    path = Path(path)
    # Before edfio opens it: edfio warns of a truncated file and carries on.
    read_layout(path)
    edf = _open(path)
    signals = _named_signals(edf, path)
    if channels is None:
        channels = tuple(signals)
        remedy = f"name the ones to read with channels=, of {', '.join(signals)}"
    else:
        remedy = "read them separately"
    if not channels:
        raise RecordingError(f"{path}: has no signal to read")
    for name in channels:
        if name not in signals:
            raise RecordingError(f"{path}: {describe_missing(name, tuple(signals))}")
    sfreq = _shared_rate({name: signals[name] for name in channels}, path, remedy)
    data = np.stack([_microvolts(name, signals[name], unit, path) for name in channels])
    require_plausible_microvolts(data, str(path))
    found = _read_annotations(edf, tuple(signals), sfreq, path) if annotations else ()
    kept = (annotation.on_channels(tuple(channels)) for annotation in found)
    try:
        return Recording(
            data,
            tuple(channels),
            sfreq,
            tuple(a for a in kept if a is not None),
            subject=_subject_code(edf),
            source=path.name,
        )
    except RecordingError as error:
        raise RecordingError(f"{path}: {error}") from error


def _open(path: Path) -> Edf:
    try:
        import edfio
    except ImportError as error:
        raise MissingDependency("reading EDF needs edfio: pip install 'edgeeeg[eeg]'") from error
    try:
        # Latin-1, because many recorders write µ into a header that should be ASCII.
        edf = edfio.read_edf(path, header_encoding="latin-1")
        has_gaps = edf.reserved.startswith("EDF+D") and not edf.is_continuous
    except (ValueError, ArithmeticError, LookupError) as error:
        raise RecordingError(f"{path}: its header is damaged: {error}") from error
    if has_gaps:
        raise RecordingError(
            f"{path}: is a discontinuous EDF+D file, whose gaps a recording cannot hold: split it at its "
            "gaps first"
        )
    return edf


def _named_signals(edf: Edf, path: Path) -> dict[str, EdfSignal]:
    """Signals that carry a label, by unique name in the order of the file."""
    labelled = [signal for signal in edf.signals if signal.label.strip(" -.")]
    occurrences = Counter(signal.label for signal in labelled)
    seen: Counter[str] = Counter()
    named: dict[str, EdfSignal] = {}
    for signal in labelled:
        name = signal.label
        if occurrences[name] > 1:
            name = f"{signal.label}-{seen[signal.label]}"
            seen[signal.label] += 1
        named[name] = signal
    if len(named) < len(labelled):
        raise RecordingError(
            f"{path}: channel labels stay ambiguous when repeated ones are numbered: {', '.join(edf.labels)}"
        )
    return named


def _shared_rate(signals: dict[str, EdfSignal], path: Path, remedy: str) -> float:
    rates = {name: signal.sampling_frequency for name, signal in signals.items()}
    distinct = sorted(set(rates.values()))
    if len(distinct) > 1:
        groups = "; ".join(
            f"{rate:g} Hz: {', '.join(name for name in rates if rates[name] == rate)}" for rate in distinct
        )
        raise RecordingError(f"{path}: channels have different sampling rates ({groups}): {remedy}")
    return float(distinct[0])


def _microvolts(name: str, signal: EdfSignal, unit: str | None, path: Path) -> np.ndarray:
    """Samples of one signal in µV, float32 of shape (n_times,)."""
    if unit is None:
        # A µ written as UTF-8 and read as Latin-1 shows as two characters.
        stated = signal.physical_dimension.replace("Â\u00b5", "\u00b5")
        try:
            factor = microvolts_per_unit(stated, f"channel {name!r}")
        except RecordingError as error:
            raise RecordingError(
                f"{path}: {error}, as read_edf(unit=...), or leave the channel out with channels="
            ) from error
    else:
        factor = microvolts_per_unit(unit, "the argument unit")
    try:
        calibrated = signal.physical_max != signal.physical_min and signal.digital_max > signal.digital_min
    except ValueError as error:
        raise RecordingError(f"{path}: channel {name!r} has a damaged range: {error}") from error
    if not calibrated:
        raise RecordingError(
            f"{path}: channel {name!r} has an empty range, physical "
            f"{signal.physical_min:g}..{signal.physical_max:g}, "
            f"digital {signal.digital_min}..{signal.digital_max}: leave it out with channels="
        )
    return (signal.data * factor).astype(np.float32)


def _read_annotations(
    edf: Edf, ch_names: tuple[str, ...], sfreq: float, path: Path
) -> tuple[Annotation, ...]:
    """Annotations in order of time; those that differ only in their channel are joined."""
    channels: dict[tuple[float, float, str], list[str]] = {}
    try:
        for onset, duration, text in edf.annotations:
            description, mark, channel = text.partition(CHANNEL_MARK)
            named = channels.setdefault((onset, duration or 0.0, description), [])
            if mark:
                named.append(channel)
        annotations = tuple(Annotation(*key, ch_names=tuple(names)) for key, names in channels.items())
        check_annotations(annotations, ch_names, edf.duration, sfreq)
    except (ValueError, RecordingError) as error:
        raise RecordingError(
            f"{path}: its annotations cannot be used, read it with annotations=False: {error}"
        ) from error
    return annotations


def _subject_code(edf: Edf) -> str:
    """EDF+'s code of the patient, never the name; empty where the header has none (X) or is not EDF+."""
    fields = edf.local_patient_identification.split()
    if not edf.reserved.startswith("EDF+") or not fields or fields[0] == "X":
        return ""
    return fields[0]
