"""What makes an array, its names and its annotations a recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeeeg.errors import RecordingError
from edgeeeg.signal.annotation import Annotation
from edgeeeg.signal.electrodes import describe_missing


def check_data(data: NDArray[np.float32], ch_names: tuple[str, ...]) -> None:
    """Refuse anything but float32 of shape (n_chans, n_times) with one name per channel."""
    if not isinstance(data, np.ndarray) or data.dtype != np.float32:
        found = data.dtype if isinstance(data, np.ndarray) else type(data).__name__
        raise RecordingError(f"data must be a float32 array, not {found}: Recording.from_array converts")
    if data.ndim != 2:
        raise RecordingError(f"data must have the shape (n_chans, n_times), not {data.shape}: reshape it")
    if 0 in data.shape:
        raise RecordingError(f"data of shape {data.shape} (n_chans, n_times) holds nothing")
    if data.shape[0] != len(ch_names):
        remedy = "transpose it" if data.shape[1] == len(ch_names) else "give one name per channel"
        raise RecordingError(
            f"data of shape {data.shape} (n_chans, n_times) does not fit {len(ch_names)} channel names: "
            f"{remedy}"
        )


def check_names(ch_names: tuple[str, ...]) -> None:
    """Refuse empty and repeated names."""
    seen: set[str] = set()
    for name in ch_names:
        if not name:
            raise RecordingError("a channel has an empty name: give each channel one")
        if name in seen:
            raise RecordingError(f"channel name {name!r} occurs twice: make the names distinct")
        seen.add(name)


def check_finite(data: NDArray[np.float32], ch_names: tuple[str, ...], sfreq: float) -> None:
    """Refuse NaN and infinity, naming the first channel and time (sfreq in Hz)."""
    bad = ~np.isfinite(data)
    if not bad.any():
        return
    row = int(bad.any(axis=1).argmax())
    column = int(bad[row].argmax())
    raise RecordingError(
        f"channel {ch_names[row]!r} holds {data[row, column]} at sample {column} ({column / sfreq:.3f} s), "
        f"{int(bad.sum())} such values in all: crop them out or interpolate them first"
    )


def check_annotations(
    annotations: tuple[Annotation, ...], ch_names: tuple[str, ...], duration: float, sfreq: float
) -> None:
    """Refuse annotations beyond the end (duration in s, sfreq in Hz) or on channels that are not there."""
    for annotation in annotations:
        # Times are often rounded to the ms, so the last sample's width is allowed.
        if annotation.end > duration + 1 / sfreq:
            raise RecordingError(
                f"annotation {annotation.description!r} ends at {annotation.end:g} s, beyond the end of the "
                f"recording at {duration:g} s: shorten it or leave it out"
            )
        for name in annotation.ch_names:
            if name not in ch_names:
                raise RecordingError(
                    f"annotation {annotation.description!r} at {annotation.onset:g} s: "
                    + describe_missing(name, ch_names)
                )
