"""Re-referencing as a matrix, so that it can later be folded into a model's first linear layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeeeg.errors import RecordingError
from edgeeeg.signal.annotation import Annotation
from edgeeeg.signal.electrodes import canonical_name, describe_missing
from edgeeeg.signal.recording import Recording

# Anterior to posterior: left parasagittal, left temporal, midline, right parasagittal, right temporal chain.
# fmt: off
DOUBLE_BANANA = (
    "Fp1-F3", "F3-C3", "C3-P3", "P3-O1",
    "Fp1-F7", "F7-T3", "T3-T5", "T5-O1",
    "Fz-Cz", "Cz-Pz",
    "Fp2-F4", "F4-C4", "C4-P4", "P4-O2",
    "Fp2-F8", "F8-T4", "T4-T6", "T6-O2",
)
# fmt: on


@dataclass(frozen=True, slots=True, eq=False)
class Montage:
    """A linear map from electrodes to derivations: ``derivations = matrix @ electrodes``.

    Parameters
    ----------
    names : tuple of str
        Names of the derivations.
    matrix : ndarray of float32, shape (n_derivations, n_inputs)
        Weight of each electrode in each derivation.
    inputs : tuple of str
        Names of the electrodes.

    Raises
    ------
    RecordingError
        If the matrix does not fit the names.
    """

    names: tuple[str, ...]
    matrix: NDArray[np.float32]
    inputs: tuple[str, ...]

    def __post_init__(self) -> None:
        expected = (len(self.names), len(self.inputs))
        if self.matrix.shape != expected or self.matrix.dtype != np.float32:
            raise RecordingError(
                f"a montage of {expected[0]} derivations of {expected[1]} electrodes needs a float32 "
                "matrix of "
                f"shape {expected}, not {self.matrix.dtype} of shape {self.matrix.shape}"
            )

    def apply(self, recording: Recording) -> Recording:
        """Derive the montage's channels; electrodes are found in any case and by old or new name (T3 is T7).

        Annotations on single electrodes pass to the derivations that use them.

        Raises
        ------
        RecordingError
            If an electrode is missing or two channels claim to be it.
        """
        rows = [_find_electrode(name, recording.ch_names) for name in self.inputs]
        derived = self.matrix @ recording.data[rows]
        used_names = tuple(recording.ch_names[row] for row in rows)
        moved = (self._move(annotation, used_names) for annotation in recording.annotations)
        return replace(
            recording,
            data=derived,
            ch_names=self.names,
            annotations=tuple(annotation for annotation in moved if annotation is not None),
        )

    def _move(self, annotation: Annotation, used_names: tuple[str, ...]) -> Annotation | None:
        """The annotation on the derivations; None if it concerns only electrodes that are not used."""
        kept = annotation.on_channels(used_names)
        if kept is None or not kept.ch_names:
            return kept
        columns = [used_names.index(name) for name in kept.ch_names]
        names = tuple(
            name for name, row in zip(self.names, self.matrix, strict=True) if np.any(row[columns] != 0)
        )
        return replace(kept, ch_names=names) if names else None


def bipolar(derivations: Sequence[str]) -> Montage:
    """Montage of differences: ``Fp1-F3`` is Fp1 minus F3.

    Parameters
    ----------
    derivations : sequence of str
        Pairs of electrodes joined by a dash.

    Raises
    ------
    RecordingError
        If a derivation is not a pair.
    """
    pairs = []
    for derivation in derivations:
        anode, dash, cathode = derivation.partition("-")
        if not (anode and dash and cathode) or "-" in cathode:
            raise RecordingError(f"derivation {derivation!r} is not a pair of electrodes such as 'Fp1-F3'")
        pairs.append((anode, cathode))
    inputs = tuple(dict.fromkeys(name for pair in pairs for name in pair))
    matrix = np.zeros((len(pairs), len(inputs)), dtype=np.float32)
    for row, (anode, cathode) in enumerate(pairs):
        matrix[row, inputs.index(anode)] += 1
        matrix[row, inputs.index(cathode)] -= 1
    return Montage(tuple(derivations), matrix, inputs)


def double_banana() -> Montage:
    """The 18 longitudinal bipolar derivations of clinical reading, from the 19 electrodes of 10-20."""
    return bipolar(DOUBLE_BANANA)


def average_reference(names: Sequence[str]) -> Montage:
    """Each electrode minus the mean of all named ones: ``I - 1/n``.

    Parameters
    ----------
    names : sequence of str
        The electrodes, at least two.

    Raises
    ------
    RecordingError
        If there are fewer than two.
    """
    n_chans = len(names)
    if n_chans < 2:
        raise RecordingError(f"an average reference needs at least two electrodes, not {n_chans}")
    matrix = np.eye(n_chans, dtype=np.float32) - np.float32(1 / n_chans)
    return Montage(tuple(names), matrix, tuple(names))


def _find_electrode(name: str, ch_names: tuple[str, ...]) -> int:
    if name in ch_names:
        return ch_names.index(name)
    wanted = canonical_name(name)
    rows = [row for row, present in enumerate(ch_names) if canonical_name(present) == wanted]
    if len(rows) > 1:
        raise RecordingError(
            f"electrode {name!r} could be any of {', '.join(ch_names[row] for row in rows)}: pick() one "
            "of them"
        )
    if not rows:
        remedy = ""
        if any("-" in present for present in ch_names):
            remedy = " (some channels are derivations already: pick() those instead of deriving them again)"
        raise RecordingError(f"the montage needs an electrode: {describe_missing(name, ch_names)}{remedy}")
    return rows[0]
