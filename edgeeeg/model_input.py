"""A recording file as a bundle's program takes it: its channels, in its order, at its rate, in its unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgeeeg.errors import RecordingError
from edgeeeg.manifest import InputInfo
from edgeeeg.signal.edf import read_edf
from edgeeeg.signal.recording import Recording


def read_for(
    info: InputInfo,
    path: Path,
    channels: Sequence[str] | None = None,
    *,
    resample: bool = False,
    normalise: bool = False,
) -> Recording:
    """Read an EDF file for a model; the channels bear the model's names afterwards.

    Parameters
    ----------
    info : InputInfo
        What the model takes.
    channels : sequence of str, optional
        A channel of the file for each of the model's, in its order; those of the same names without it.
    resample : bool
        Bring the recording to the model's rate.
    normalise : bool
        Scale each channel to zero mean and unit variance over the whole recording.

    Raises
    ------
    RecordingError
        If the file cannot be read, or channels, rate or unit do not fit the model.
    """
    wanted = tuple(channels or info.ch_names)
    if len(wanted) != len(info.ch_names):
        raise RecordingError(
            f"the model takes {len(info.ch_names)} channels ({', '.join(info.ch_names)}) and "
            f"{len(wanted)} were chosen: give --channel once for each"
        )
    # annotations speak of the file's channels, and damaged ones are no reason not to run
    recording = replace(read_edf(path, wanted, annotations=False), ch_names=info.ch_names)
    recording = recording.resample(info.sfreq) if resample else recording
    recording.require_sfreq(info.sfreq)
    recording = recording.zscored() if normalise else recording
    if recording.unit != info.unit:
        raise RecordingError(
            f"the model takes '{info.unit}' and the recording is in '{recording.unit}': "
            f"{'add' if info.unit == 'z' else 'leave out'} --normalise"
        )
    return recording
