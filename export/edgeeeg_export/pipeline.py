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
from edgeeeg_export import contract, golden, model_card, quantization_record, stored_quantization
from edgeeeg_export.boards import check_fit, find_board
from edgeeeg_export.comparison import Record
from edgeeeg_export.description import describe, require_described, stated_inputs
from edgeeeg_export.errors import CaptureError, ExportError
from edgeeeg_export.footprint import model_flash_bytes
from edgeeeg_export.importer import import_inputs
from edgeeeg_export.input_spec import InputSpec, common_ticks
from edgeeeg_export.loading import SHIPPED, LoadedModel, is_factory, load_model
from edgeeeg_export.lowering import lower, twin_of
from edgeeeg_export.placement import Semantics
from edgeeeg_export.quantize import qdq_write
from edgeeeg_export.quantize.adjustments import Adjustments
from edgeeeg_export.quantize.budget import Budget
from edgeeeg_export.quantize.format import Formats, Storage
from edgeeeg_export.quantize.preparation import Preparation, Settings, prepare
from edgeeeg_export.quantize.qdq_read import require_floats
from edgeeeg_export.quantmath import Width
from edgeeeg_export.source import Source
from edgeeeg_export.stored_quantization import QDQ, StoredQuantization
from edgeeeg_export.targets import c, onnx_step
from edgeeeg_export.targets.c_prefix import require_prefix
from edgeeeg_export.tensor import Array
from edgeeeg_export.verification_counts import counts_of_inputs, verification_inputs

if TYPE_CHECKING:
    import torch

    from edgeeeg_export.verification_counts import Recorded


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
    inputs: tuple[InputSpec, ...] | None = None,
    hop: int | None = None,
    semantics: Semantics = "continuous",
    lsb: float | None = None,
    threshold: float | None = None,
    board: str | None = None,
    recording: Recorded | None = None,
    calibration: Recorded | None = None,
    observer: str = "percentile",
    width: Width = "int8",
    states: Storage = "float32",
    budget: str | None = None,
    extra: Mapping[str, contract.Runner] | None = None,
    card: str = "",
    on_target: Callable[[str], None] = lambda target: None,
    on_part: Callable[[str, int, int], None] = lambda part, done, of: None,
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
        synthetic EEG without it, or fewer of a very large model. Saturation, steps and silence follow in
        either case.
    calibration : Recording, or mapping of str to Recording
        Make the program one of integers (`edgeeeg_export.quantize`), whose ranges are those of this
        recording, its state carried from end to end; without it the program is float32.
    observer : "min-max", "percentile" or "mse"
        How the range of an int8 follows from what was seen of it.
    width : "int8" or "int16"
        Of activations; weights are int8. The samples stay the int16 that they are.
    states : "float32", "int16" or "int32"
        Of the recurrences that have a form in integers.
    budget : str
        Choose int8, int16 or float32 for each layer instead of one width: `accuracy=30dB` (signal to
        quantization noise of the outputs), `flash=20kB` (weights and tables) or `instructions=50k` (a step).
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
    wanted = None if budget is None else Budget.parse(budget)
    if wanted is not None and calibration is None:
        raise ExportError("a budget chooses precisions by what they do to a recording: give a calibration")
    loaded = load_model(model, weights, n_chans, n_times, layout, inputs)
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
    prepared: Preparation | None = None
    if calibration is not None:
        require_floats(loaded.onnx_model)
        subject, samples = compiled.subject, calibration_samples(compiled, calibration)
        formats, decides = subject.counts_as_they_are(), subject.thresholds[0]
        settings = Settings(observer, formats, width, states, wanted, decides)
        prepared = prepare(subject.lowered.captured, subject.hop, samples, settings, on_part)
        compiled = compile_model(
            loaded,
            name=name,
            sfreq=sfreq,
            ch_names=ch_names,
            hop=hop,
            semantics=semantics,
            lsb=lsb,
            threshold=threshold,
            formats=prepared.formats,
            adjustments=prepared.adjustments,
        )
    if board is not None:
        chosen = find_board(board)
        flash = model_flash_bytes(compiled.subject.program, chosen)
        check_fit(chosen, flash, compiled.subject.program.struct_bytes)
    eeg = counts_of_inputs(compiled.manifest, recording, step=compiled.subject.step)
    contract.whole_steps(compiled.subject, eeg)  # of the recording itself, whatever follows it
    pareto = () if prepared is None else prepared.pareto
    reports = quantization_record.render(compiled.subject, compiled.contents.get(QDQ), eeg, pareto)
    counts = verification_inputs(eeg, compiled.manifest)
    records = contract.verify(compiled.subject, counts, extra, on_target)
    contract.require_kept(records)
    verification = verification_json(records, recording)
    files = {
        **compiled.contents,
        golden.GOLDEN: golden.render(compiled.subject, eeg),
        "verification.json": verification,
        **reports,
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
    formats: Formats | None = None,
    adjustments: Adjustments | None = None,
) -> Compiled:
    """Everything but the proof: graph, step program, ONNX and C; of integers where `formats` are given."""
    require_prefix(name)
    if loaded.sfreq_is_fixed and sfreq not in (None, loaded.sfreq):
        raise CaptureError(
            f"the model was trained at {loaded.sfreq} Hz and is right at no other rate, such as "
            f"{sfreq:g} Hz: leave out --sfreq and resample what it is fed"
        )
    if threshold is not None and not math.isfinite(threshold):
        raise ExportError(f"a threshold of {threshold} decides nothing: give a finite --threshold")
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
    how = (loaded.onnx_model, name, hop, semantics, loaded.ticks)
    lowered = lower(*how, formats, adjustments)
    twin, formats = twin_of(lowered, *how, adjustments)
    step = lowered.step
    program = c.emit(step, {spec.name: spec.count for spec in specs})
    thresholds = [threshold for o in step.outputs for _ in range(step.tensors[o].size)]
    subject = contract.Subject(lowered, loaded.source, program, specs, tuple(thresholds), twin, formats)
    per_output = (threshold,) * len(step.outputs)
    manifest = describe(subject, name, semantics, per_output)
    contents = {f"c/{path}": text.encode() for path, text in sorted(program.files.items())}
    contents["model.onnx"] = onnx_step.emit(step).SerializeToString(deterministic=True)
    contents["captured.onnx"] = loaded.onnx_model.SerializeToString(deterministic=True)
    if lowered.quantized is not None:
        qdq = qdq_write.emit(step, lowered.quantized)
        contents[QDQ] = qdq.SerializeToString(deterministic=True)
    contents |= StoredQuantization(formats, adjustments).render()
    return Compiled(subject, manifest, contents)


def calibration_samples(compiled: Compiled, recording: Recorded) -> dict[str, Array]:
    """Whole steps of a recording as a device hears them: its counts, times what one is worth."""
    subject = compiled.subject
    counts = contract.whole_steps(subject, counts_of_inputs(compiled.manifest, recording))
    return subject.samples(counts)


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


def verification_json(
    records: Mapping[str, Record], recording: Recorded | None, kept: Mapping[str, Any] | None = None
) -> bytes:
    """`verification.json`: a record for each target, and what each was taken on.

    Parameters
    ----------
    kept : mapping of str to record
        Stored records of an earlier verification; they stay for targets that this one did not run.
    """
    if isinstance(recording, Mapping):
        source = ", ".join(f"{name}: {one.source}" for name, one in recording.items())
    else:
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
    specs = stated_inputs(bundle, import_inputs(_captured(bundle)))
    described = is_factory(model) or (len(specs) > 1 and model not in SHIPPED)
    loaded = load_model(model, weights, layout=layout, inputs=specs if described else None)
    another = f"{model} is not the model that {bundle.folder} was exported from"
    try:
        stored = stored_quantization.read(bundle, loaded.onnx_model)
        how = (stored.formats, stored.adjustments)
        step = lower(loaded.onnx_model, info.name, info.hop, info.semantics, loaded.ticks, *how).step
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
    captured = _captured(bundle)
    specs = stated_inputs(bundle, import_inputs(captured))
    ticks = common_ticks({spec.name: spec.sfreq for spec in specs})
    stored = stored_quantization.read(bundle, captured)
    how = (captured, info.name, info.hop, info.semantics, ticks)
    lowered = lower(*how, stored.formats, stored.adjustments)
    twin, formats = twin_of(lowered, *how, stored.adjustments)
    step = lowered.step
    if step.hash != info.model_hash:
        raise ExportError(
            f"{bundle.folder} was exported by {info.generator}; this version builds another program from it: "
            "export the model again"
        )
    program = c.emit(step, {spec.name: spec.count for spec in specs})
    generated = {f"c/{name}": text.encode() for name, text in program.files.items()}
    generated["model.onnx"] = onnx_step.emit(step).SerializeToString(deterministic=True)
    if lowered.quantized is not None:
        generated[QDQ] = qdq_write.emit(step, lowered.quantized).SerializeToString(deterministic=True)
    for name, content in generated.items():
        if bundle.path(name).read_bytes() != content:
            raise ExportError(
                f"{bundle.folder}: {name} is not what captured.onnx and the manifest give; export it again"
            )
    thresholds = [o.threshold for o in info.outputs for _ in range(int(np.prod(o.shape)))]
    subject = contract.Subject(lowered, source, program, specs, tuple(thresholds), twin, formats)
    require_described(bundle, subject)
    return subject
