"""A labelled stretch of time in a recording."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from edgeeeg.errors import RecordingError


@dataclass(frozen=True, slots=True)
class Annotation:
    """What happened when, and on which channels.

    Parameters
    ----------
    onset : float
        Start in s after the recording's first sample.
    duration : float
        Length in s; 0 marks an instant.
    description : str
        What is marked, such as ``"seizure"``.
    ch_names : tuple of str
        The channels concerned; empty means all of them.

    Raises
    ------
    RecordingError
        If onset or duration is negative or not finite.
    """

    onset: float
    duration: float
    description: str
    ch_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.onset) and math.isfinite(self.duration)):
            raise RecordingError(
                f"annotation {self.description!r} has onset {self.onset} s and duration {self.duration} s: "
                "both must be finite"
            )
        if self.onset < 0 or self.duration < 0:
            raise RecordingError(
                f"annotation {self.description!r} has onset {self.onset} s and duration {self.duration} s: "
                "neither may be negative; times count from the first sample"
            )

    @property
    def end(self) -> float:
        """Time of the end, in s."""
        return self.onset + self.duration

    def clipped(self, tmin: float, tmax: float) -> Annotation | None:
        """The part inside ``[tmin, tmax)``, its onset counted from tmin; None if there is none (all in s)."""
        if self.onset >= tmax or self.end < tmin or (self.end == tmin and self.duration > 0):
            return None
        onset = max(self.onset, tmin)
        return replace(self, onset=onset - tmin, duration=min(self.end, tmax) - onset)

    def on_channels(self, ch_names: tuple[str, ...]) -> Annotation | None:
        """The annotation as it applies to the given channels; None if it concerns only others."""
        if not self.ch_names:
            return self
        kept = tuple(name for name in self.ch_names if name in ch_names)
        return replace(self, ch_names=kept) if kept else None
