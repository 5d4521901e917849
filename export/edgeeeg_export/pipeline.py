"""The front door: a model in, a verified bundle out.

from edgeeeg_export.pipeline import export_model
bundle = export_model(my_module, "out/my_model", sfreq=256, ch_names=("Fp1", "Fp2"))
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError

from edgeeeg.bundle import Bundle, require_destination
from edgeeeg.errors import EdgeEEGError
from edgeeeg.manifest import Manifest
from edgeeeg_export import contract, golden, model_card
from edgeeeg_export.boards import check_fit, find_board
from edgeeeg_export.comparison import Record
from edgeeeg_export.description import describe, require_described
from edgeeeg_export.errors import CaptureError, ExportError
from edgeeeg_export.footprint import model_flash_bytes
from edgeeeg_export.loading import LoadedModel, is_factory, load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.placement import Semantics
from edgeeeg_export.source import Source
from edgeeeg_export.targets import c, onnx_step
from edgeeeg_export.targets.c_prefix import require_prefix
from edgeeeg_export.verification_counts import counts_for, verification_counts

if TYPE_CHECKING:
    import torch

    from edgeeeg.signal import Recording

MICROVOLT_LSB = 0.125
"""µV per int16 count unless told otherwise: a power of two, so whole µV survive exactly, to ±4096 µV."""
NORMALISED_LSB = 2.0**-11
"""The same for normalised input: ±16 standard deviations."""


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
    layout: str | None = None,
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
    n_chans, n_times, layout
        See `edgeeeg_export.loading.load_model`.
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
    require_destination(out)
    loaded = load_model(model, weights, n_chans, n_times, layout)
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
        golden.GOLDEN: golden.render(compiled.subject, eeg),
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
    require_prefix(name)
    if loaded.sfreq_is_fixed and sfreq not in (None, loaded.sfreq):
        raise CaptureError(
            f"the model was trained at {loaded.sfreq} Hz and is right at no other rate, such as "
            f"{sfreq:g} Hz: leave out --sfreq and resample what it is fed"
        )
    if threshold is not None and not math.isfinite(threshold):
        raise ExportError(f"a threshold of {threshold} decides nothing: give a finite --threshold")
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
    _require_float32(lsb, loaded.unit)
    program = c.emit(step, lsb)
    thresholds = [threshold for o in step.outputs for _ in range(step.tensors[o].size)]
    subject = contract.Subject(lowered, loaded.source, program, lsb, sfreq, tuple(thresholds))
    per_output = (threshold,) * len(step.outputs)
    manifest = describe(subject, name, semantics, loaded.unit, names, per_output)
    contents = {f"c/{path}": text.encode() for path, text in sorted(program.files.items())}
    contents["model.onnx"] = onnx_step.emit(step).SerializeToString(deterministic=True)
    contents["captured.onnx"] = loaded.onnx_model.SerializeToString(deterministic=True)
    return Compiled(subject, manifest, contents)


def _require_float32(lsb: float, unit: str) -> None:
    """A count is a float32 in C, and so is every sample: both must be normal numbers there."""
    least, most = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max) / 32768
    if not least <= lsb <= most:  # NaN too
        raise ExportError(
            f"lsb: {lsb:g} {unit} per count cannot be computed in float32; give the amplifier's step, by "
            f"default {MICROVOLT_LSB:g} µV or {NORMALISED_LSB:g} for normalised input"
        )


def verification_json(
    records: Mapping[str, Record], recording: Recording | None, kept: Mapping[str, Any] | None = None
) -> bytes:
    """`verification.json`: a record for each target, and what each was taken on.

    Parameters
    ----------
    kept : mapping of str to record
        Stored records of an earlier verification; they stay for targets that this one did not run.
    """
    source = "synthetic, seed 0" if recording is None else recording.source
    taken_on = {"recording": f"{source}, then saturation, steps and silence"}
    taken = {name: record | taken_on for name, record in contract.to_json(records).items()}
    return (json.dumps({"targets": {**(kept or {}), **taken}}, indent=2) + "\n").encode()


def load_original(
    bundle: Bundle, model: str, weights: Path | None = None, layout: str | None = None
) -> Source:
    """The model that a bundle was exported from, to be compared with it again; options as in `load_model`.

    Raises
    ------
    ExportError
        If it is another model, or none that something else than this package can run.
    """
    info = bundle.manifest
    n_chans, n_times = _traced_shape(bundle) if is_factory(model) else (None, None)
    loaded = load_model(model, weights, n_chans, n_times, layout)
    another = f"{model} is not the model that {bundle.folder} was exported from"
    try:
        step = lower(loaded.onnx_model, info.name, info.hop, info.semantics).step
    except EdgeEEGError as error:
        raise ExportError(f"{another}: {error}") from error
    if step.hash != info.model_hash:
        raise ExportError(
            f"{another}: its program is {step.hash[:16]} and not {info.model_hash[:16]}; give that model "
            "with its weights"
        )
    if loaded.source is None:
        raise ExportError(
            f"{model} has edgeeeg's own nodes, which no other runtime can run: compare with the torch module"
        )
    return loaded.source


def _traced_shape(bundle: Bundle) -> tuple[int, int]:
    """Channels and samples that a bundle's model was traced with."""
    shape = _captured(bundle).graph.input[0].type.tensor_type.shape
    _, n_chans, n_times = (dim.dim_value for dim in shape.dim)
    return n_chans, n_times


def _captured(bundle: Bundle) -> onnx.ModelProto:
    try:
        return onnx.load(str(bundle.path("captured.onnx")))
    except DecodeError as error:
        raise ExportError(f"{bundle.folder}: captured.onnx is no ONNX model; export it again") from error


def reload(bundle: Bundle, source: Source | None = None) -> contract.Subject:
    """A bundle's model in all of its forms again, from its captured ONNX.

    Raises
    ------
    ExportError
        If this version of the package does not generate the same program from it.
    BundleError
        If the manifest says something else than what the program is.
    """
    info = bundle.manifest
    lowered = lower(_captured(bundle), info.name, info.hop, info.semantics)
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
    subject = contract.Subject(lowered, source, program, info.input.lsb, info.input.sfreq, tuple(thresholds))
    require_described(bundle, subject)
    return subject
