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
from edgeeeg_export.importer import Semantics, import_inputs
from edgeeeg_export.input_spec import InputSpec, common_ticks
from edgeeeg_export.loading import LoadedModel, load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.ops.clock import ENDED, Clock
from edgeeeg_export.source import Source
from edgeeeg_export.targets import c, onnx_step
from edgeeeg_export.verification_counts import counts_of_inputs, verification_inputs

if TYPE_CHECKING:
    import torch

    from edgeeeg_export.verification_counts import Recorded

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
    inputs: tuple[InputSpec, ...] | None = None,
    hop: int | None = None,
    semantics: Semantics = "continuous",
    lsb: float | None = None,
    threshold: float | None = None,
    board: str | None = None,
    recording: Recorded | None = None,
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
    inputs : tuple of InputSpec
        All of that for every input of a model with several, in the order of its arguments; may be left out
        for a module with that attribute.
    hop : int
        Samples of one step, of the first input; without it the fewest that give whole frames, and about an
        eighth of a window where something needs whole windows.
    semantics : "continuous" or "windowed"
        Layers that have a state, or pad time, run on for ever; or each window of as many samples as the model
        was captured with is computed as a recording of its own.
    lsb : float
        Input units per int16 count.
    threshold : float or None
        Output value from which on the model decides; by default the shipped detector's own, or none.
    board : str
        Refuse a program that does not fit this board.
    recording : Recording, or mapping of str to Recording
        What the contract is checked on, for several inputs one for each by name; ten minutes of seeded
        synthetic EEG without it. Saturation, steps and silence follow in either case.
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
    loaded = load_model(model, weights, n_chans, n_times, inputs)
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
    eeg = counts_of_inputs(compiled.manifest, recording)
    counts = verification_inputs(eeg, compiled.manifest)
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
    threshold = loaded.threshold if threshold is None else threshold
    sfreq = loaded.sfreq if sfreq is None else sfreq
    if loaded.inputs:
        specs = loaded.inputs
        if ch_names is not None or lsb is not None or sfreq not in (None, loaded.sfreq):
            raise CaptureError(
                f"the model says all of its inputs ({', '.join(spec.name for spec in specs)}); leave out "
                "rate, channels and count size"
            )
    else:
        specs = (_only_input(loaded, sfreq, ch_names, lsb),)
    lowered = lower(loaded.onnx_model, name, hop, semantics, loaded.ticks)
    step = lowered.step
    program = c.emit(step, {spec.name: spec.count for spec in specs})
    thresholds = [threshold for o in step.outputs for _ in range(step.tensors[o].size)]
    subject = contract.Subject(lowered, loaded.source, program, specs, tuple(thresholds))
    manifest = _manifest(subject, name, semantics, threshold)
    contents = {f"c/{path}": text.encode() for path, text in sorted(program.files.items())}
    contents["model.onnx"] = onnx_step.emit(step).SerializeToString(deterministic=True)
    contents["captured.onnx"] = loaded.onnx_model.SerializeToString(deterministic=True)
    return Compiled(subject, manifest, contents)


def _only_input(
    loaded: LoadedModel, sfreq: float | None, ch_names: tuple[str, ...] | None, lsb: float | None
) -> InputSpec:
    """What a model of one input is fed, by its own shape and what the user says of it.

    Raises
    ------
    ExportError
        If it has several inputs, or other channels, or its rate is unknown.
    """
    if sfreq is None:
        raise CaptureError("the model does not say its sampling rate: pass --sfreq (Hz)")
    types = import_inputs(loaded.onnx_model)
    if len(types) != 1:
        raise ExportError(
            f"the model has {len(types)} inputs ({', '.join(types)}) and does not say their rates: give the "
            "module an attribute `inputs`, or pass inputs=, an InputSpec for each"
        )
    ((name, type_),) = types.items()
    _, n_chans, n_times = type_.shape
    names = ch_names or tuple(f"EEG{i + 1}" for i in range(n_chans))
    if len(names) != n_chans:
        raise ExportError(
            f"the model takes {n_chans} channels but {len(names)} names were given: {', '.join(names)}"
        )
    return InputSpec(name, names, sfreq, n_times, loaded.unit, lsb)


def _manifest(
    subject: contract.Subject,
    name: str,
    semantics: Semantics,
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
            inputs=tuple(
                InputInfo.model_validate(
                    {
                        "name": spec.name,
                        "ch_names": spec.ch_names,
                        "sfreq": spec.sfreq,
                        "unit": spec.unit,
                        "lsb": spec.count,
                        "hop": program.hops[spec.name],
                    }
                )
                for spec in subject.inputs
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


def verification_json(records: Mapping[str, Record], recording: Recorded | None) -> bytes:
    """`verification.json`: the records, and what they were taken on."""
    if isinstance(recording, Mapping):
        source = ", ".join(f"{name}: {one.source}" for name, one in recording.items())
    else:
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
    ticks = common_ticks({each.name: each.sfreq for each in info.inputs})
    lowered = lower(captured, info.name, info.hop, info.semantics, ticks)
    step = lowered.step
    if step.hash != info.model_hash:
        raise ExportError(
            f"{bundle.folder} was exported by {info.generator}; this version builds another program from it: "
            "export the model again"
        )
    program = c.emit(step, {each.name: each.lsb for each in info.inputs})
    generated = {f"c/{name}": text.encode() for name, text in program.files.items()}
    generated["model.onnx"] = onnx_step.emit(step).SerializeToString(deterministic=True)
    for name, content in generated.items():
        if bundle.path(name).read_bytes() != content:
            raise ExportError(
                f"{bundle.folder}: {name} is not what captured.onnx and the manifest give; export it again"
            )
    thresholds = [o.threshold for o in info.outputs for _ in range(int(np.prod(o.shape)))]
    frames = {name: type_.frames for name, type_ in lowered.captured.inputs.items()}
    specs = tuple(
        InputSpec(each.name, each.ch_names, each.sfreq, frames[each.name], each.unit, each.lsb)
        for each in info.inputs
    )
    return contract.Subject(lowered, source, program, specs, tuple(thresholds))


def _golden(compiled: Compiled, counts: Mapping[str, contract.Counts]) -> bytes:
    """Counts, and the reference's outputs as bits, for anyone to check a port against."""
    from edgeeeg_export import reference

    subject, hops = compiled.subject, compiled.subject.program.hops
    lengths = (
        min(len(counts[s.name]), int(GOLDEN_SECONDS * s.sfreq)) // hops[s.name] for s in subject.inputs
    )
    steps = min(lengths)
    counts = {name: counts[name][: steps * hop] for name, hop in hops.items()}
    samples = subject.samples(counts)
    outputs = contract.stack_outputs(subject.step, reference.run_stream(subject.step, samples, max(steps, 1)))
    buffer = io.BytesIO()
    # as np.savez writes it, but without the time of day: the same export gives the same bytes
    with zipfile.ZipFile(buffer, "w") as archive:
        members = {"counts" if len(counts) == 1 else f"counts_{name}": counts[name] for name in counts}
        vectors: dict[str, np.ndarray] = {**members, "outputs": outputs}
        for name, value in vectors.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as member:
                np.lib.format.write_array(member, value, allow_pickle=False)
    return buffer.getvalue()
