"""The head as a unit sphere: where channels lie, how a source spreads over them, what adds up there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeeeg.errors import MissingDependency, RecordingError
from edgeeeg.signal.annotation import Annotation
from edgeeeg.signal.electrodes import canonical_name, describe_missing
from edgeeeg.signal.schedule import Interval

# x to the right ear, y to the nose, z to the vertex.
FOREHEAD = np.array([0.0, 1.0, 0.0])
OCCIPUT = np.array([0.0, -1.0, 0.0])
VERTEX = np.array([0.0, 0.0, 1.0])


def known_positions() -> dict[str, NDArray[np.float64]]:
    """Positions (3,) of all electrodes that can be synthesised, by name, the 10-20 ones first.

    Raises
    ------
    MissingDependency
        If mne is not installed.
    """
    try:
        from mne.channels import make_standard_montage
    except ImportError as error:
        raise MissingDependency("electrode positions need mne: pip install 'edgeeeg[eeg]'") from error
    positions: dict[str, NDArray[np.float64]] = make_standard_montage(
        "easycap-M1", head_size=1.0
    ).get_positions()["ch_pos"]
    return positions


def electrode_positions(ch_names: Sequence[str]) -> NDArray[np.float64]:
    """Positions of 10-20 and 10-10 electrodes on the unit sphere (MNE's montage easycap-M1).

    A lone channel need not be named after an electrode: it is put at the vertex.

    Parameters
    ----------
    ch_names : sequence of str
        Names, in any case, old or new (T3 is T7).

    Returns
    -------
    ndarray of float64, shape (n_chans, 3)

    Raises
    ------
    RecordingError
        If one of several channels is not an electrode.
    """
    if len(ch_names) == 1:
        return VERTEX[None, :]
    known = known_positions()
    by_canonical = {canonical_name(name): position for name, position in known.items()}
    for name in ch_names:
        if canonical_name(name) not in by_canonical:
            raise RecordingError(
                f"{describe_missing(name, tuple(known))}; synthesise electrodes, then derive bipolar "
                "channels with a montage"
            )
    return np.array([by_canonical[canonical_name(name)] for name in ch_names], dtype=np.float64)


def spread(
    positions: NDArray[np.float64], source: NDArray[np.float64], width: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """Gain from a source to every channel: ``exp(-|r - r_source|² / (2 width²))``.

    Volume conduction blurs a cortical source over several cm; a Gaussian of the chord is the plainest model
    of it.

    Parameters
    ----------
    positions : ndarray, shape (n_chans, 3)
        Channels on the unit sphere.
    source : ndarray, shape (3,)
        The source on the unit sphere.
    width : float or ndarray, shape (n_times,)
        Standard deviation in head radii; an array makes a source that recruits its surroundings.

    Returns
    -------
    ndarray, shape (n_chans, 1) or (n_chans, n_times)
    """
    distance = np.linalg.norm(positions - source, axis=1)[:, None]
    return np.asarray(np.exp(-(distance**2) / (2 * np.square(width))))


class Scalp:
    """Potentials at the electrodes while sources are added, and the annotations of what was added.

    Parameters
    ----------
    ch_names : tuple of str
        Electrodes, or a single channel of any name.
    n_times : int
        Samples.
    sfreq : float
        Sampling rate in Hz.

    Raises
    ------
    RecordingError
        If one of several channels is not an electrode.
    """

    def __init__(self, ch_names: tuple[str, ...], n_times: int, sfreq: float) -> None:
        self.ch_names = ch_names
        self.n_times = n_times
        self.sfreq = sfreq
        self.positions = electrode_positions(ch_names)
        self.data = np.zeros((len(ch_names), n_times))  # µV
        self.annotations: list[Annotation] = []

    def span(self, event: Interval) -> slice:
        """Samples that an event (onset and duration in s) covers."""
        onset, duration = event
        return slice(round(onset * self.sfreq), min(round((onset + duration) * self.sfreq), self.n_times))

    def length(self, event: Interval) -> int:
        """Number of samples of an event."""
        span = self.span(event)
        return int(span.stop - span.start)

    def add(
        self,
        event: Interval,
        description: str,
        potentials: NDArray[np.float64],
        ch_names: tuple[str, ...] = (),
    ) -> None:
        """Superpose a source's potentials, shape (n_chans, samples of the event) in µV, and annotate them."""
        self.data[:, self.span(event)] += potentials
        self.annotations.append(Annotation(*event, description, ch_names))
