"""`golden.npz`: int16 counts, and the outputs that they must give on any port, bit for bit."""

from __future__ import annotations

import io
import zipfile

import numpy as np

from edgeeeg.bundle import Bundle
from edgeeeg.errors import BundleError
from edgeeeg_export import reference
from edgeeeg_export.contract import Counts, Subject, run_on_host, stack_outputs
from edgeeeg_export.errors import ContractBroken
from edgeeeg_export.tensor import Array

GOLDEN = "golden.npz"
SECONDS = 30.0


def render(subject: Subject, counts: Counts) -> bytes:
    """The file: the first half minute of the counts (n_times, n_chans), and the NumPy reference's outputs.

    The outputs (n_steps, n_outputs) include those that remain when the recording ends there.
    """
    n_times = min(len(counts), int(SECONDS * subject.sfreq))
    counts = counts[: n_times - n_times % subject.hop]
    vectors: dict[str, np.ndarray] = {"counts": counts, "outputs": _by_numpy(subject, counts)}
    buffer = io.BytesIO()
    # as np.savez writes it, but without the time of day: the same export gives the same bytes
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, value in vectors.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as member:
                np.lib.format.write_array(member, value, allow_pickle=False)
    return buffer.getvalue()


def read(bundle: Bundle) -> tuple[Counts, Array]:
    """The counts (n_times, n_chans) and outputs (n_steps, n_outputs) of a bundle.

    Raises
    ------
    BundleError
        If the file is not what its name says, or does not fit the manifest.
    """
    info = bundle.manifest
    try:
        with np.load(bundle.path(GOLDEN)) as stored:
            counts, outputs = stored["counts"], stored["outputs"]
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise BundleError(
            f"{bundle.folder}: {GOLDEN} holds no counts and outputs ({error}); export the model again"
        ) from error
    n_chans = len(info.input.ch_names)
    n_outputs = sum(int(np.prod(output.shape)) for output in info.outputs)
    for name, value, kind, width in (
        ("counts", counts, np.int16, n_chans),
        ("outputs", outputs, np.float32, n_outputs),
    ):
        if value.dtype != kind or value.ndim != 2 or value.shape[1] != width:
            raise BundleError(
                f"{bundle.folder}: {GOLDEN} has {name} {value.dtype} {value.shape} where {np.dtype(kind)} "
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


def _by_numpy(subject: Subject, counts: Counts) -> Array:
    """Outputs (n_steps, n_outputs) of the step program over the counts, flushed."""
    samples = {subject.input: subject.samples(counts)}
    return stack_outputs(subject.step, reference.run_stream(subject.step, samples, max(1, len(counts))))
