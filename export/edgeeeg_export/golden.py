"""`golden.npz`: int16 counts, and the outputs that they must give on any port, bit for bit."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeeeg.bundle import Bundle
from edgeeeg.errors import BundleError
from edgeeeg_export import reference
from edgeeeg_export.contract import run_on_host, stack_outputs
from edgeeeg_export.errors import ContractBroken
from edgeeeg_export.subject import Counts, Subject
from edgeeeg_export.tensor import Array

GOLDEN = "golden.npz"
SECONDS = 30.0


def render(subject: Subject, counts: Mapping[str, Counts]) -> bytes:
    """The file: the first half minute of each input's counts (n_times, n_chans), and the reference's outputs.

    The outputs (n_steps, n_outputs) include those that remain when the recording ends there.
    """
    hops = subject.program.hops
    steps = min(
        min(len(counts[spec.name]), int(SECONDS * spec.sfreq)) // hops[spec.name] for spec in subject.inputs
    )
    counts = {name: counts[name][: steps * hop] for name, hop in hops.items()}
    members = _members(tuple(counts))
    vectors: dict[str, np.ndarray] = {members[name]: value for name, value in counts.items()}
    vectors["outputs"] = _by_numpy(subject, counts)
    buffer = io.BytesIO()
    # as np.savez writes it, but without the time of day: the same export gives the same bytes
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, value in vectors.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as member:
                np.lib.format.write_array(member, value, allow_pickle=False)
    return buffer.getvalue()


def read(bundle: Bundle) -> tuple[dict[str, Counts], Array]:
    """The counts (n_times, n_chans) of each input by name, and the outputs (n_steps, n_outputs), of a bundle.

    Raises
    ------
    BundleError
        If the file is not what its name says, or does not fit the manifest.
    """
    info = bundle.manifest
    members = _members(tuple(each.name for each in info.inputs))
    try:
        with np.load(bundle.path(GOLDEN)) as stored:
            counts, outputs = {name: stored[member] for name, member in members.items()}, stored["outputs"]
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise BundleError(
            f"{bundle.folder}: {GOLDEN} holds no counts and outputs ({error}); export the model again"
        ) from error
    n_outputs = sum(int(np.prod(output.shape)) for output in info.outputs)
    expected: list[tuple[str, np.ndarray, np.dtype[Any], int]] = [
        (members[each.name], counts[each.name], np.dtype(np.int16), len(each.ch_names))
        for each in info.inputs
    ]
    for name, value, kind, width in (*expected, ("outputs", outputs, np.dtype(np.float32), n_outputs)):
        if value.dtype != kind or value.ndim != 2 or value.shape[1] != width:
            raise BundleError(
                f"{bundle.folder}: {GOLDEN} has {name} {value.dtype} {value.shape} where {kind} "
                f"(n, {width}) belong; export the model again"
            )
    return counts, outputs


def require_played(bundle: Bundle, subject: Subject) -> None:
    """Play the counts through the NumPy reference and the compiled C, to the last bit and to the end.

    Raises
    ------
    ContractBroken
        Naming the target and the first step that differs.
    """
    counts, outputs = read(bundle)
    for target, played in (
        ("numpy", _by_numpy(subject, counts)),
        ("c_host", run_on_host(subject.program, counts)),
    ):
        if played.shape != outputs.shape:
            raise ContractBroken(
                f"{bundle.folder}: {target} gives outputs {played.shape} for the counts of {GOLDEN}, which "
                f"holds {outputs.shape} (steps, outputs); export the model again"
            )
        differing = (played.view(np.uint32) != outputs.view(np.uint32)).any(axis=1)
        if differing.any():
            step = int(differing.argmax())
            raise ContractBroken(
                f"{bundle.folder}: {target} does not give the outputs of {GOLDEN}: step {step} is "
                f"{played[step].tolist()} and not {outputs[step].tolist()}; export the model again"
            )


def _members(names: tuple[str, ...]) -> dict[str, str]:
    """What the file calls the counts of each input."""
    return {names[0]: "counts"} if len(names) == 1 else {name: f"counts_{name}" for name in names}


def _by_numpy(subject: Subject, counts: Mapping[str, Counts]) -> Array:
    """Outputs (n_steps, n_outputs) of the step program over the counts, flushed."""
    steps = len(counts[subject.inputs[0].name]) // subject.hop
    return stack_outputs(
        subject.step, reference.run_stream(subject.step, subject.samples(counts), max(1, steps))
    )
