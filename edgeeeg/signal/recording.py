"""A stretch of multichannel EEG with its names, rate, unit and annotations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgeeeg.errors import RecordingError
from edgeeeg.signal import counts
from edgeeeg.signal.annotation import Annotation
from edgeeeg.signal.electrodes import describe_missing
from edgeeeg.signal.recording_checks import check_annotations, check_data, check_finite, check_names
from edgeeeg.signal.resampling import rate_ratio, resample_polyphase
from edgeeeg.signal.units import microvolts_per_unit, require_plausible_microvolts

UNITS = ("uV", "z")


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Continuous signals that passed their checks; every method returns a new one.

    Parameters
    ----------
    data : ndarray of float32, shape (n_chans, n_times)
        Signals in unit, without NaN or infinity; held as a read-only view.
    ch_names : tuple of str
        One distinct name per channel.
    sfreq : float
        Sampling rate in Hz.
    annotations : tuple of Annotation
        Events, none beyond the end.
    unit : str
        ``"uV"``, or ``"z"`` for amplitudes normalised to zero mean and unit variance.
    subject : str
        Code of the subject, for splits by subject; empty if not known.
    source : str
        Where the signals come from, such as a file's name; empty if not known.

    Raises
    ------
    RecordingError
        If shape, type, names, rate, unit, a value or an annotation does not fit.
    """

    data: NDArray[np.float32]
    ch_names: tuple[str, ...]
    sfreq: float
    annotations: tuple[Annotation, ...] = ()
    unit: str = "uV"
    subject: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ch_names", tuple(self.ch_names))
        object.__setattr__(self, "annotations", tuple(self.annotations))
        check_data(self.data, self.ch_names)
        check_names(self.ch_names)
        if not (math.isfinite(self.sfreq) and self.sfreq > 0):
            raise RecordingError(f"the sampling rate must be positive and finite, not {self.sfreq} Hz")
        if self.unit not in UNITS:
            raise RecordingError(
                f"a recording holds 'uV' or 'z', not {self.unit!r}: Recording.from_array converts from V, "
                "mV, nV"
            )
        check_finite(self.data, self.ch_names, self.sfreq)
        check_annotations(self.annotations, self.ch_names, self.duration, self.sfreq)
        view = self.data.view()
        view.setflags(write=False)
        object.__setattr__(self, "data", view)

    @classmethod
    def from_array(
        cls,
        data: ArrayLike,
        ch_names: Sequence[str],
        sfreq: float,
        *,
        unit: str,
        annotations: Sequence[Annotation] = (),
        subject: str = "",
        source: str = "",
    ) -> Recording:
        """Recording from values in a stated unit.

        Parameters
        ----------
        data : array_like, shape (n_chans, n_times)
            Values in unit.
        ch_names, sfreq, annotations, subject, source
            As for the class.
        unit : str
            V, mV, uV (or µV) or nV; it has no default because a guess is wrong by a factor of a million.

        Raises
        ------
        RecordingError
            If the unit is unknown, or the values cannot be EEG in that unit, or as for the class.
        """
        values = np.asarray(data, dtype=np.float64)
        # A value beyond float32 becomes infinite here, and the check for infinity names it.
        with np.errstate(over="ignore"):
            microvolts = (values * microvolts_per_unit(unit, "the array")).astype(np.float32)
        recording = cls(
            microvolts,
            tuple(ch_names),
            sfreq,
            tuple(annotations),
            subject=subject,
            source=source,
        )
        require_plausible_microvolts(recording.data, f"array declared as {unit}")
        return recording

    @classmethod
    def from_int16(
        cls,
        samples: NDArray[np.int16],
        lsb: float,
        ch_names: Sequence[str],
        sfreq: float,
        *,
        unit: str = "uV",
        annotations: Sequence[Annotation] = (),
        source: str = "",
    ) -> Recording:
        """Recording from interleaved counts of shape (n_times, n_chans), lsb being one count in unit."""
        data = counts.from_int16(samples, lsb)
        return cls(data, tuple(ch_names), sfreq, tuple(annotations), unit=unit, source=source)

    def to_int16(self, lsb: float, *, allow_clipping: bool = False) -> tuple[NDArray[np.int16], int]:
        """Interleaved counts of shape (n_times, n_chans), and how many samples saturated.

        Parameters
        ----------
        lsb : float
            Size of one count in the recording's unit.
        allow_clipping : bool
            Accept saturated samples and only count them.

        Raises
        ------
        RecordingError
            If samples saturate and that was not allowed; the message names the channel and a size that fits.
        """
        return counts.to_int16(self.data, lsb, self.ch_names, unit=self.unit, allow_clipping=allow_clipping)

    @property
    def n_chans(self) -> int:
        """Number of channels."""
        return len(self.ch_names)

    @property
    def n_times(self) -> int:
        """Number of samples per channel."""
        return int(self.data.shape[1])

    @property
    def duration(self) -> float:
        """Length in s: n_times / sfreq."""
        return self.n_times / self.sfreq

    def require_sfreq(self, sfreq: float) -> None:
        """Refuse another rate than the one a consumer was made for (relative tolerance 1e-6).

        Raises
        ------
        RecordingError
            If the rates differ; the message names both and how to resample.
        """
        if not math.isclose(self.sfreq, sfreq, rel_tol=1e-6):
            raise RecordingError(
                f"the recording has {self.sfreq:g} Hz where {sfreq:g} Hz is needed: "
                f"resample it first, with --resample or Recording.resample({sfreq:g})"
            )

    def pick(self, names: Sequence[str]) -> Recording:
        """The named channels, in the order given.

        Raises
        ------
        RecordingError
            If a channel is missing; the message gives its nearest spelling and what there is.
        """
        wanted = tuple(names)
        for name in wanted:
            if name not in self.ch_names:
                raise RecordingError(describe_missing(name, self.ch_names))
        rows = [self.ch_names.index(name) for name in wanted]
        kept = (annotation.on_channels(wanted) for annotation in self.annotations)
        return replace(
            self, data=self.data[rows], ch_names=wanted, annotations=tuple(a for a in kept if a is not None)
        )

    def crop(self, tmin: float, tmax: float | None = None) -> Recording:
        """The samples from tmin up to but not including tmax (in s, rounded to samples), annotations clipped.

        Raises
        ------
        RecordingError
            If the stretch is empty or leaves the recording.
        """
        start = round(tmin * self.sfreq)
        stop = self.n_times if tmax is None else round(tmax * self.sfreq)
        if not 0 <= start < stop <= self.n_times:
            raise RecordingError(
                f"cannot crop to {tmin:g} .. {self.duration if tmax is None else tmax:g} s: "
                f"the recording covers 0 .. {self.duration:g} s"
            )
        clipped = (a.clipped(start / self.sfreq, stop / self.sfreq) for a in self.annotations)
        return replace(
            self, data=self.data[:, start:stop], annotations=tuple(a for a in clipped if a is not None)
        )

    def resample(self, sfreq: float) -> Recording:
        """The recording at another rate in Hz, by the polyphase filter that `resample_polyphase` describes.

        Raises
        ------
        RecordingError
            If the rate is not positive, or its ratio to the present one has terms beyond reason.
        """
        if not (math.isfinite(sfreq) and sfreq > 0):
            raise RecordingError(f"the sampling rate must be positive and finite, not {sfreq} Hz")
        ratio = rate_ratio(self.sfreq, sfreq)
        if ratio == 1:
            return self
        return replace(self, data=resample_polyphase(self.data, ratio), sfreq=sfreq)

    def zscored(self) -> Recording:
        """Each channel with zero mean and unit variance over the whole recording, in unit ``"z"``.

        Raises
        ------
        RecordingError
            If a channel is flat.
        """
        values = self.data.astype(np.float64)
        values -= values.mean(axis=1, keepdims=True)
        deviations = values.std(axis=1, keepdims=True)
        flat = np.flatnonzero(deviations[:, 0] == 0)
        if flat.size:
            raise RecordingError(
                f"channel {self.ch_names[flat[0]]!r} is flat and cannot be normalised: leave it out with "
                "pick()"
            )
        return replace(self, data=(values / deviations).astype(np.float32), unit="z")
