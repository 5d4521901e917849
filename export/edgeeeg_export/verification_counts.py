"""What the contract is checked on: int16 counts, as the device would be sent them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from edgeeeg.manifest import InputInfo, Manifest
from edgeeeg.signal.counts import INT16_MAX
from edgeeeg_export.adversarial import adversarial_counts
from edgeeeg_export.contract import Counts
from edgeeeg_export.errors import ExportError

if TYPE_CHECKING:
    from edgeeeg.signal import Recording
    from edgeeeg_export.graph import Graph

    Recorded = Recording | Mapping[str, Recording]

DEFAULT_SECONDS = 600.0

FLOATS = 1 << 27
"""Elements of all tensors of a run over the whole recording, half a gigabyte: a model that makes more of them
is checked on less synthetic EEG."""

LEAST_SECONDS = 60.0

LEAST_PEAK = 100
"""Counts that a recording's peak should have: with fewer the rounding is louder than an amplifier's noise."""


def verification_counts(eeg: Counts, sfreq: float) -> Counts:
    """The counts of a recording, and then those that try a program's numbers, in one stream."""
    return np.concatenate([eeg, adversarial_counts(eeg.shape[1], sfreq)])


def verification_inputs(eeg: Mapping[str, Counts], manifest: Manifest) -> dict[str, Counts]:
    """The same for each input by name."""
    return {info.name: verification_counts(eeg[info.name], info.sfreq) for info in manifest.inputs}


def counts_for(manifest: Manifest, recording: Recording | None, *, allow_clipping: bool = False) -> Counts:
    """The int16 samples that the device would be sent: a recording's, or seeded synthetic EEG's.

    Parameters
    ----------
    allow_clipping : bool
        Accept samples that saturate; without it they mean that the size of a count was ill chosen.

    Raises
    ------
    RecordingError
        If rate, unit or channels do not match the model's input, or samples saturate.
    ExportError
        If a count is so large that nothing of the recording is left.
    """
    return _counts(manifest.input, recording, allow_clipping)


def counts_of_inputs(
    manifest: Manifest,
    recording: Recorded | None,
    *,
    allow_clipping: bool = False,
    step: Graph | None = None,
) -> dict[str, Counts]:
    """The same for each input by name; of several, each has its own recording, or its own synthetic EEG.

    Parameters
    ----------
    step : Graph, optional
        The step program; given it, there is as much synthetic EEG as `synthetic_seconds` says.

    Raises
    ------
    RecordingError, ExportError
        If the recordings are not one for each input, or one does not match it.
    """
    if isinstance(recording, Mapping):
        names = [info.name for info in manifest.inputs]
        if set(recording) != set(names):
            raise ExportError(
                f"recordings of {', '.join(recording)} for the inputs {', '.join(names)}: give one for each"
            )
        return {info.name: _counts(info, recording[info.name], allow_clipping) for info in manifest.inputs}
    if recording is not None:
        return {manifest.input.name: _counts(manifest.input, recording, allow_clipping)}
    seconds = DEFAULT_SECONDS if step is None else synthetic_seconds(step, manifest.input)
    return {
        info.name: _counts(info, None, allow_clipping, seed, seconds)
        for seed, info in enumerate(manifest.inputs)
    }


def synthetic_seconds(step: Graph, first: InputInfo) -> float:
    """How much synthetic EEG a model is checked on: ten minutes, or as much as `FLOATS` allow.

    Parameters
    ----------
    step : a streaming graph.
    first : its first input.
    """
    floats = sum(type_.size for name, type_ in step.tensors.items() if name not in step.constants)
    seconds = FLOATS / floats * first.hop / first.sfreq
    return min(max(seconds, LEAST_SECONDS), DEFAULT_SECONDS)


def _counts(
    info: InputInfo,
    recording: Recording | None,
    allow_clipping: bool,
    seed: int = 0,
    seconds: float = DEFAULT_SECONDS,
) -> Counts:
    if recording is None:
        recording = _synthetic(info, seed, seconds)
    else:
        recording.require_sfreq(info.sfreq)
        if recording.unit != info.unit:
            raise ExportError(
                f"the model takes '{info.unit}' and the recording is in '{recording.unit}'; normalise it "
                "with Recording.zscored(), or choose the model for µV"
            )
        recording = recording.pick(info.ch_names)
    counts, _ = recording.to_int16(info.lsb, allow_clipping=allow_clipping)
    _require_resolution(counts, recording, info)
    return counts


def _require_resolution(counts: Counts, recording: Recording, info: InputInfo) -> None:
    """Refuse counts of which all are 0 or ±1: any program gives the same numbers for them."""
    peak = float(np.abs(recording.data).max())
    if peak > 0 and not (np.abs(counts.astype(np.int32)) > 1).any():
        raise ExportError(
            f"a count of {info.lsb:g} {info.unit} leaves nothing of a recording whose peak is {peak:.3g} "
            f"{info.unit}: give --lsb between {peak / INT16_MAX:.2g}, the least that holds it, and "
            f"{peak / LEAST_PEAK:.2g}"
        )


def _synthetic(info: InputInfo, seed: int, seconds: float) -> Recording:
    """Seeded EEG with seizures and artefacts on as many electrodes as the model takes.

    The contract is about numbers, so a model's channels may bear any names.
    """
    from edgeeeg.signal import synthesize
    from edgeeeg.signal.scalp import known_positions

    n_chans = len(info.ch_names)
    names = ("EEG",) if n_chans == 1 else tuple(known_positions())[:n_chans]
    if len(names) < n_chans:
        raise ExportError(
            f"synthetic EEG has at most {len(names)} electrodes, not {n_chans}: pass a recording"
        )
    recording = synthesize(seconds, info.sfreq, names, seed)
    return recording.zscored() if info.unit == "z" else recording
