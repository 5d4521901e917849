"""Recordings one after the other, as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgeeeg.errors import RecordingError
from edgeeeg.signal.recording import Recording


def concatenate(recordings: Sequence[Recording]) -> Recording:
    """Join recordings of the same channels, rate and unit in time; annotations move with their samples.

    Where two meet the signal jumps, as it does where an amplifier is switched: nothing is smoothed.

    Raises
    ------
    RecordingError
        If there is none, or channels, rate or unit differ.
    """
    if not recordings:
        raise RecordingError("nothing to concatenate: give at least one recording")
    first = recordings[0]
    annotations = []
    onset = 0
    for recording in recordings:
        _check_alike(first, recording)
        shift = onset / first.sfreq
        annotations += [replace(item, onset=item.onset + shift) for item in recording.annotations]
        onset += recording.n_times
    sources = list(dict.fromkeys(recording.source for recording in recordings if recording.source))
    return replace(
        first,
        data=np.concatenate([recording.data for recording in recordings], axis=1),
        annotations=tuple(annotations),
        source=sources[0] if len(sources) == 1 else f"{sources[0]} to {sources[-1]}" if sources else "",
    )


def _check_alike(first: Recording, other: Recording) -> None:
    for what in ("ch_names", "sfreq", "unit"):
        if getattr(other, what) != getattr(first, what):
            raise RecordingError(
                f"{other.source or 'a recording'} has {what} {getattr(other, what)}, the first "
                f"{getattr(first, what)}: pick, resample or convert it before concatenating"
            )
