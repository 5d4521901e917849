"""The front door: a model in, a verified bundle out.

from edgeeeg_export.pipeline import export_model
bundle = export_model(my_module, "out/my_model", sfreq=256, ch_names=("Fp1", "Fp2"))
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from pydantic import ValidationError

from edgeeeg import __version__
from edgeeeg.bundle import Bundle
from edgeeeg.manifest import CInfo, InputInfo, Manifest, OutputInfo, StateInfo
from edgeeeg_export import contract, model_card
from edgeeeg_export.boards import check_fit, find_board
from edgeeeg_export.comparison import Record
from edgeeeg_export.errors import CaptureError, ExportError
from edgeeeg_export.footprint import model_flash_bytes
from edgeeeg_export.importer import Semantics
from edgeeeg_export.loading import LoadedModel, load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.ops.clock import ENDED, Clock
from edgeeeg_export.source import Source
from edgeeeg_export.targets import c, onnx_step
from edgeeeg_export.verification_counts import counts_for, verification_counts

if TYPE_CHECKING:
    import torch

    from edgeeeg.signal import Recording

MICROVOLT_LSB = 0.125
"""µV per int16 count unless told otherwise: a power of two, so whole µV survive exactly, to ±4096 µV."""
NORMALISED_LSB = 2.0**-11
"""The same for normalised input: ±16 standard deviations."""
GOLDEN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Compiled:
    """A model in all of its forms, not yet verified."""

    subject: contract.Subject
    manifest: Manifest
    contents: Mapping[str, bytes]


def export_model(
    model: str | torch.nn.Module,
    out: str | Path,
    *,
    name: str = "model",
    weights: Path | None = None,
    sfreq: float | None = None,
    ch_names: tuple[str, ...] | None = None,
    n_chans: int | None = None,
    n_times: int | None = None,
    hop: int | None = None,
    semantics: Semantics = "continuous",
    lsb: float | None = None,
    threshold: float | None = None,
    board: str | None = None,
    recording: Recording | None = None,
    extra: Mapping[str, contract.Runner] | None = None,
    card: str = "",
    on_target: Callable[[str], None] = lambda target: None,
) -> Bundle:
    """Capture, stream, compile and verify a model, and write its bundle.

    Parameters
    ----------
    model : str or torch.nn.Module
        See `edgeeeg_export.loading.load_model`.
    out : path
        The bundle's folder; an older bundle there is replaced.
    name : str
        Symbol prefix of the C program.
    sfreq : float
        Rate in Hz that the model expects; may be left out for a module with that attribute.
    ch_names : tuple of str
        The electrodes, in order; `EEG1`, `EEG2`, … without it.
    hop : int
        Samples of one step; without it the fewest that give whole frames, and about an eighth of a window
        where something needs whole windows.
    semantics : "continuous" or "windowed"
        Layers that have a state, or pad time, run on for ever; or each window of as many samples as the model
        was captured with is computed as a recording of its own.
    lsb : float
        Input units per int16 count.
    threshold : float or None
        Output value from which on the model decides; by default the shipped detector's own, or none.
    board : str
        Refuse a program that does not fit this board.
    recording : Recording
        What the contract is checked on; ten minutes of seeded synthetic EEG without it. Saturation, steps and
        silence follow in either case.
    extra : mapping of str to Runner
        More targets to hold to the contract, such as an emulated board.
    card : str
        Text for the bundle's README.

    Returns
    -------
    Bundle

    Raises
    ------
    ExportError
        If the model cannot be captured, streamed or fitted, or breaks the contract: then nothing is written.
    """
    loaded = load_model(model, weights, n_chans, n_times)
    compiled = compile_model(
        loaded,
        name=name,
        sfreq=sfreq,
        ch_names=ch_names,
        hop=hop,
        semantics=semantics,
        lsb=lsb,
        threshold=threshold,
    )
    if board is not None:
        chosen = find_board(board)
        flash = model_flash_bytes(compiled.subject.program, chosen)
        check_fit(chosen, flash, compiled.subject.program.struct_bytes)
    eeg = counts_for(compiled.manifest, recording)
    counts = verification_counts(eeg, compiled.subject.sfreq)
    records = contract.verify(compiled.subject, counts, extra, on_target)
    contract.require_kept(records)
    verification = verification_json(records, recording)
    files = {
        **compiled.contents,
        "golden.npz": _golden(compiled, eeg),
        "verification.json": verification,
        "README.md": model_card.render(compiled.manifest, card).encode(),
    }
    return Bundle.write(out, compiled.manifest, files)


def compile_model(
    loaded: LoadedModel,
    *,
    name: str,
    sfreq: float | None = None,
    ch_names: tuple[str, ...] | None = None,
    hop: int | None = None,
    semantics: Semantics = "continuous",
    lsb: float | None = None,
    threshold: float | None = None,
) -> Compiled:
    """Everything but the proof: graph, step program, ONNX and C."""
    if loaded.sfreq_is_fixed and sfreq not in (None, loaded.sfreq):
        raise CaptureError(
            f"the model was trained at {loaded.sfreq} Hz and is right at no other rate, such as "
            f"{sfreq:g} Hz: leave out --sfreq and resample what it is fed"
        )
    sfreq = loaded.sfreq if sfreq is None else sfreq
    threshold = loaded.threshold if threshold is None else threshold
    if sfreq is None:
        raise CaptureError("the model does not say its sampling rate: pass --sfreq (Hz)")
    lowered = lower(loaded.onnx_model, name, hop, semantics)
    step = lowered.step
    if len(step.inputs) != 1:
        raise ExportError(
            f"the model has {len(step.inputs)} inputs ({', '.join(step.inputs)}); one is supported"
        )
    (input_type,) = step.inputs.values()
    n_chans = input_type.shape[1]
    names = ch_names or tuple(f"EEG{i + 1}" for i in range(n_chans))
    if len(names) != n_chans:
        raise ExportError(
            f"the model takes {n_chans} channels but {len(names)} names were given: {', '.join(names)}"
        )
    if len(set(names)) < n_chans:
        raise ExportError(f"two channels bear one name: {', '.join(names)}")
    if lsb is None:
        lsb = NORMALISED_LSB if loaded.unit == "z" else MICROVOLT_LSB
    program = c.emit(step, lsb)
    thresholds = [threshold for o in step.outputs for _ in range(step.tensors[o].size)]
    subject = contract.Subject(lowered, loaded.source, program, lsb, sfreq, tuple(thresholds))
    manifest = _manifest(subject, name, semantics, loaded.unit, names, threshold)
    contents = {f"c/{path}": text.encode() for path, text in sorted(program.files.items())}
    contents["model.onnx"] = onnx_step.emit(step).SerializeToString(deterministic=True)
    contents["captured.onnx"] = loaded.onnx_model.SerializeToString(deterministic=True)
    return Compiled(subject, manifest, contents)


def _manifest(
    subject: contract.Subject,
    name: str,
    semantics: Semantics,
    unit: str,
    ch_names: tuple[str, ...],
    threshold: float | None,
) -> Manifest:
    """What the bundle will say of the program; its files are not known yet."""
    step, program = subject.step, subject.program
    sizes = {field: getattr(program, field) for field in CInfo.model_fields}
    try:
        return Manifest(
            generator=f"edgeeeg {__version__}",
            name=name,
            model_hash=step.hash,
            semantics=semantics,
            hop=program.hop,
            window=subject.lowered.window,
            delay_steps=step.timing.delay,
            flush_steps=step.timing.flush,
            ended_state=next(
                (f"{node.name}.{ENDED}" for node in step.nodes if isinstance(node.op, Clock)), None
            ),
            input=InputInfo.model_validate(
                {
                    "name": subject.input,
                    "ch_names": ch_names,
                    "sfreq": subject.sfreq,
                    "unit": unit,
                    "lsb": subject.lsb,
                }
            ),
            outputs=tuple(
                OutputInfo(name=output, shape=step.tensors[output].shape, threshold=threshold)
                for output in step.outputs
            ),
            states=tuple(StateInfo(name=s.name, shape=s.shape, initial=s.initial) for s in step.all_states()),
            c=CInfo(**sizes),
            files={},
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ExportError(f"{where}: {first['msg'].removeprefix('Value error, ')}") from error


def verification_json(records: Mapping[str, Record], recording: Recording | None) -> bytes:
    """`verification.json`: the records, and what they were taken on."""
    source = "synthetic, seed 0" if recording is None else recording.source
    stored = {
        "recording": f"{source}, then saturation, steps and silence",
        "targets": contract.to_json(records),
    }
    return (json.dumps(stored, indent=2) + "\n").encode()


def reload(bundle: Bundle, source: Source | None = None) -> contract.Subject:
    """A bundle's model in all of its forms again, from its captured ONNX.

    Raises
    ------
    ExportError
        If this version of the package does not generate the same program from it.
    """
    info = bundle.manifest
    try:
        captured = onnx.load(str(bundle.path("captured.onnx")))
    except DecodeError as error:
        raise ExportError(f"{bundle.folder}: captured.onnx is no ONNX model; export it again") from error
    lowered = lower(captured, info.name, info.hop, info.semantics)
    step = lowered.step
    if step.hash != info.model_hash:
        raise ExportError(
            f"{bundle.folder} was exported by {info.generator}; this version builds another program from it: "
            "export the model again"
        )
    program = c.emit(step, info.input.lsb)
    generated = {f"c/{name}": text.encode() for name, text in program.files.items()}
    generated["model.onnx"] = onnx_step.emit(step).SerializeToString(deterministic=True)
    for name, content in generated.items():
        if bundle.path(name).read_bytes() != content:
            raise ExportError(
                f"{bundle.folder}: {name} is not what captured.onnx and the manifest give; export it again"
            )
    thresholds = [o.threshold for o in info.outputs for _ in range(int(np.prod(o.shape)))]
    return contract.Subject(lowered, source, program, info.input.lsb, info.input.sfreq, tuple(thresholds))


def _golden(compiled: Compiled, counts: contract.Counts) -> bytes:
    """Counts, and the reference's outputs as bits, for anyone to check a port against."""
    from edgeeeg_export import reference

    subject = compiled.subject
    n_times = min(len(counts), int(GOLDEN_SECONDS * subject.sfreq))
    counts = counts[: n_times - n_times % subject.hop]
    samples = {subject.input: subject.samples(counts)}
    outputs = contract.stack_outputs(subject.step, reference.run_stream(subject.step, samples, len(counts)))
    buffer = io.BytesIO()
    # as np.savez writes it, but without the time of day: the same export gives the same bytes
    with zipfile.ZipFile(buffer, "w") as archive:
        vectors: dict[str, np.ndarray] = {"counts": counts, "outputs": outputs}
        for name, value in vectors.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as member:
                np.lib.format.write_array(member, value, allow_pickle=False)
    return buffer.getvalue()
