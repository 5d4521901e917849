"""Verbs of this component."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

import typer
from rich.console import RenderableType

from edgeeeg import terminal
from edgeeeg.extras import needs


class AuditData(StrEnum):
    """Data sets that `audit` knows."""

    BONN = "bonn"


class AuditTask(StrEnum):
    """What a model of one's own takes: amplitudes in µV, or normalised."""

    RAW = "raw"
    NORMALISED = "normalised"


LAYOUT_HELP = (
    "Axes of the model's input: nct (batch, channels, time: the default), ntc, n1ct, nc1t, nct1, n1tc, nt1c "
    "or ntc1; of an .onnx file with four axes their sizes tell."
)


BUDGET_HELP = (
    "With --quantize mixed: accuracy=30dB (of the outputs, as small as can be), or the most accurate within "
    "flash=20kB (weights and tables) or instructions=50k (of a step, modelled)."
)


class SemanticsChoice(StrEnum):
    """How a program runs on an endless recording."""

    CONTINUOUS = "continuous"
    WINDOWED = "windowed"


class QuantizeChoice(StrEnum):
    """What activations are stored in, where layers have a form in integers; weights are int8."""

    INT8 = "int8"
    INT16 = "int16"
    MIXED = "mixed"


class AuditQuantize(StrEnum):
    """What activations are stored in, where `audit` scores a program of integers."""

    INT8 = "int8"
    INT16 = "int16"


class StatesChoice(StrEnum):
    """What recurrences with a form in integers carry."""

    FLOAT32 = "float32"
    INT16 = "int16"
    INT32 = "int32"


class ObserverChoice(StrEnum):
    """How the range of a tensor follows from what was seen of it."""

    MIN_MAX = "min-max"
    PERCENTILE = "percentile"
    MSE = "mse"


def register(app: typer.Typer) -> None:
    """Add this component's verbs to the application."""
    from edgeeeg_export.sensitivity_command import sensitivity

    app.command(
        epilog="Example: `edgeeeg export my_models:detector --weights detector.safetensors --sfreq 256 "
        "--channel Fp1 --channel Fp2 --board nrf52840 --out out/detector`"
    )(export)
    app.command("inspect", epilog="Example: `edgeeeg inspect my_models:detector`")(inspect_verb)
    app.command(
        epilog="Example: `edgeeeg audit my_models:detector --weights 'runs/detector-fold{fold}.safetensors' "
        "--root data/bonn --reset 10 --reset 60`"
    )(audit)
    app.command(
        epilog="Example: `edgeeeg sensitivity my_models:detector --weights detector.safetensors "
        "--calibrate night.edf`"
    )(sensitivity)
    app.command(epilog="Example: `edgeeeg conformance --filter softmax`")(conformance)


@needs("export", "torch", "onnx", "onnxscript", "onnxruntime", "scipy", "mne")
def export(
    model: str = typer.Argument(
        help="`edge-detector`, `edge-detector-normalised`, `module:factory`, a `.pt2`, `.onnx`, `.nir` file."
    ),
    out: Path = typer.Option(..., help="Folder of the bundle; an older bundle there is replaced."),
    weights: Path | None = typer.Option(
        None, help="State dict for `module:factory`, .safetensors or .pt (weights only)."
    ),
    name: str = typer.Option("model", help="Symbol prefix of the C program."),
    sfreq: float | None = typer.Option(
        None,
        min=1.0,
        max=100_000.0,
        help="Sampling rate of the model's input in Hz; default: the module's `sfreq`.",
    ),
    channel: list[str] | None = typer.Option(
        None, help="Electrode, once for each, in the model's order; default: EEG1, EEG2, …"
    ),
    n_chans: int | None = typer.Option(
        None, min=1, help="Channels to trace a module with; default: its `n_chans`."
    ),
    n_times: int | None = typer.Option(
        None, min=1, max=10_000_000, help="Samples to trace a module with; default: its `n_times`."
    ),
    hop: int | None = typer.Option(
        None,
        min=1,
        help="Samples of a step; default: the fewest that work, an eighth of a window if it has one.",
    ),
    layout: str | None = typer.Option(None, help=LAYOUT_HELP),
    semantics: SemanticsChoice = typer.Option(
        SemanticsChoice.CONTINUOUS,
        help="continuous: states are carried for ever; windowed: every window begins anew.",
    ),
    lsb: float | None = typer.Option(
        None, help="Input units per int16 count; default 0.125 µV, or 2⁻¹¹ for normalised input."
    ),
    threshold: float | None = typer.Option(None, help="Output from which on the model decides."),
    board: str | None = typer.Option(
        None, help="Refuse a program that does not fit this board (`edgeeeg boards`)."
    ),
    recording: Path | None = typer.Option(
        None, exists=True, help="EDF file to check the contract on; default: ten minutes of synthetic EEG."
    ),
    quantize: QuantizeChoice | None = typer.Option(
        None, help="Make a program of integers; needs --calibrate. mixed: each layer as a --budget allows."
    ),
    budget: str | None = typer.Option(None, help=BUDGET_HELP),
    calibrate: Path | None = typer.Option(
        None,
        exists=True,
        help="EDF file like what the device will hear: ranges are seen on it, with the state carried.",
    ),
    observer: ObserverChoice = typer.Option(
        ObserverChoice.PERCENTILE, help="How the range of a tensor follows from what was seen of it."
    ),
    states: StatesChoice | None = typer.Option(
        None, help="What recurrences with a form in integers carry, beside --quantize; default: float32."
    ),
    explain: bool = typer.Option(
        False, "--explain", help="Say which rewrites changed the model, and why others did not."
    ),
    json: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Turn a trained model into a verified bundle: one-step ONNX, C99, golden vectors, contract."""

    from edgeeeg.signal import Recording, read_edf
    from edgeeeg_export import contract_table, explanation
    from edgeeeg_export.errors import ExportError
    from edgeeeg_export.loading import is_factory
    from edgeeeg_export.pipeline import export_model
    from edgeeeg_export.quantize import pareto_table, qdq_deviation, report_table

    if n_chans is None and channel and is_factory(model):
        n_chans = len(channel)
    if (quantize is None) != (calibrate is None):
        raise ExportError(
            "--quantize and --calibrate FILE.edf go together: ranges are seen on a recording, never assumed"
        )

    if quantize is None and states is not None:
        raise ExportError("--states says what recurrences of integers carry: give --quantize with it")
    if (quantize is QuantizeChoice.MIXED) != (budget is not None):
        raise ExportError(
            "--quantize mixed and --budget go together: accuracy=30dB, flash=20kB or instructions=50k"
        )

    def at_rate(path: Path | None) -> Recording | None:
        read = None if path is None else read_edf(path)
        return read if read is None or sfreq is None or read.sfreq == sfreq else read.resample(sfreq)

    with terminal.progress() as bar:
        task = bar.add_task("capturing", total=None)
        bundle = export_model(
            model,
            out,
            name=name,
            weights=weights,
            sfreq=sfreq,
            ch_names=tuple(channel) if channel else None,
            n_chans=n_chans,
            n_times=n_times,
            hop=hop,
            layout=layout,
            semantics=semantics.value,
            lsb=lsb,
            threshold=threshold,
            board=board,
            recording=at_rate(recording),
            calibration=at_rate(calibrate),
            observer=observer.value,
            width="int16" if quantize is QuantizeChoice.INT16 else "int8",
            budget=budget,
            states="float32" if states is None else states.value,
            on_target=lambda target: bar.update(task, description=f"verifying {target}", total=None),
            on_part=lambda part, done, of: bar.update(task, description=part, completed=done, total=of),
        )
    info = bundle.manifest
    records = contract_table.read(bundle)
    quantized = None if info.quantization is None else report_table.read(bundle)
    explained = explanation.explain_bundle(bundle) if explain else None
    if json:
        result = {
            "bundle": str(out),
            "model_hash": info.model_hash,
            "hop": info.hop,
            "semantics": info.semantics,
            "quantization": info.quantization,
            "window": info.window,
            "delay_samples": info.delay_steps * info.hop,
            "flush_steps": info.flush_steps,
            "sizes": info.c.model_dump(),
            "contract": records,
        }
        if quantized is not None:
            result["quantized"] = quantized
            result["quantized_states"] = report_table.read_states(bundle)
            result["qdq"] = report_table.read_qdq(bundle)
        if budget is not None:
            result["pareto"] = report_table.read_pareto(bundle)
        if explained is not None:
            result |= explained.to_json()
        terminal.print_json(result)
        return
    if explained is not None:
        _print(explained.render())
    if quantized is not None:
        terminal.stdout.print(report_table.render(quantized))
        if states_in_integers := report_table.read_states(bundle):
            terminal.stdout.print(report_table.render_states(states_in_integers))
        terminal.stdout.print(qdq_deviation.describe(report_table.read_qdq(bundle)))
    if budget is not None:
        terminal.stdout.print(pareto_table.render(report_table.read_pareto(bundle), budget))
    terminal.stdout.print(contract_table.render(records))
    terminal.stdout.print(
        f"{out}: {info.semantics}, {info.hop} samples a step, the first output "
        f"{info.delay_steps * info.hop} samples late, {info.c.weight_bytes} bytes of weights, "
        f"{info.c.struct_bytes} bytes of RAM (state {info.c.state_bytes}, arena {info.c.arena_bytes})"
    )


@needs("export", "torch", "onnx", "onnxscript")
def inspect_verb(
    model: str = typer.Argument(
        help="`edge-detector`, `edge-detector-normalised`, `module:factory`, a `.pt2`, `.onnx`, `.nir` file."
    ),
    n_chans: int | None = typer.Option(
        None, min=1, help="Channels to trace a module with; default: its `n_chans`."
    ),
    n_times: int | None = typer.Option(
        None,
        min=1,
        help="Samples to trace a module with, its window; default: its `n_times`.",
    ),
    layout: str | None = typer.Option(None, help=LAYOUT_HELP),
    hop: int | None = typer.Option(None, min=1, help="Samples of a step; default: as in export."),
    explain: bool = typer.Option(
        False, "--explain", help="Say which rewrites changed the model, and why others did not."
    ),
    json: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Say what a model is, what it costs as a stream, which boards hold it and what stands in its way."""
    from edgeeeg_export import explanation
    from edgeeeg_export.inspection import inspect_model
    from edgeeeg_export.inspection_table import render
    from edgeeeg_export.loading import load_model

    loaded = load_model(model, None, n_chans, n_times, layout)
    found = inspect_model(loaded, hop)
    result = found.to_json()
    explained = explanation.explain_loaded(loaded, hop) if explain else None
    if explain:
        result |= {"explain": None} if explained is None else explained.to_json()
    if json:
        terminal.print_json(result)
        return
    for part in render(found):
        terminal.stdout.print(part)
    if explained is not None:
        _print(explained.render())


def _print(parts: Iterable[RenderableType]) -> None:
    """Lines as they are, where labels of layers may hold brackets, and tables."""
    for part in parts:
        terminal.stdout.print(part, markup=False)


@needs("train,export", "torch", "onnx", "onnxscript", "sklearn")
def audit(
    model: str = typer.Argument(help="`edge-detector`, `edge-detector-normalised` or `module:factory`."),
    root: Path = typer.Option(..., help="Folder of the data set: for Bonn, the one with Z, O, N, F and S."),
    data: AuditData = typer.Option(AuditData.BONN, help="Data set."),
    weights: str | None = typer.Option(
        None, help="State dict for `module:factory`; with {fold} in its name, one for each fold from 0."
    ),
    task: AuditTask | None = typer.Option(
        None, help="Input of `module:factory`, µV (default) or normalised; a shipped model has its own."
    ),
    reset: list[float] | None = typer.Option(
        None,
        min=0.0,
        help="Period in s of the periodic reset, several times for several; default: 10 and 60.",
    ),
    seed: int = typer.Option(0, min=0, help="Of the order of files in each fold's stream."),
    quantize: AuditQuantize | None = typer.Option(
        None, help="Score the program of integers beside the model, calibrated on the fold's training files."
    ),
    states: StatesChoice | None = typer.Option(
        None, help="What its recurrences carry, beside --quantize; default: float32."
    ),
    json: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Score a model with its state reset for each window, carried, and reset periodically, side by side.

    Warns where the rows part: a model that was trained on windows may fail once its state is carried.
    """
    from edgeeeg.evaluation.audit import RESETS, audit_bonn
    from edgeeeg.evaluation.audit_table import render
    from edgeeeg.signal.bonn import read_bonn
    from edgeeeg_export.audit_subject import audit_subject, integer_program
    from edgeeeg_export.errors import ExportError

    if states is not None and quantize is None:
        raise ExportError("--states says what integers carry: give --quantize int8 or int16 too")
    subject = audit_subject(model, weights, None if task is None else task.value)
    program = (
        None
        if quantize is None
        else integer_program(subject.task, quantize.value, "float32" if states is None else states.value)
    )
    segments = read_bonn(root)
    with terminal.progress() as bar:
        running = bar.add_task("auditing, folds", total=None)
        result = audit_bonn(
            segments,
            subject.task,
            subject.model_of_fold,
            subject.weights,
            resets=tuple(reset) if reset else RESETS,
            seed=seed,
            program=program,
            on_fold=lambda done, of: bar.update(running, completed=done, total=of),
        )
    if json:
        terminal.print_json({"model": model, "data": data.value} | result.to_dict())
        return
    for part in render(result, model):
        terminal.stdout.print(part)


@needs("export", "onnx")
def conformance(
    filter: str = typer.Option("", "--filter", help="Run the cases whose name contains this text."),
    json: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Run the official ONNX backend node tests in the NumPy reference and in compiled C."""
    from edgeeeg_export.conformance import run_conformance

    with terminal.progress() as bar:
        task = bar.add_task("running node tests", total=None)
        result = run_conformance(filter, lambda done, total: bar.update(task, completed=done, total=total))
    if json:
        terminal.print_json(result.to_json())
    else:
        for name, reason in result.failed.items():
            terminal.stdout.print(f"failed {name}: {reason}", markup=False)
        terminal.stdout.print(
            f"{result.ran} node tests ran, {len(result.passed)} passed, {len(result.failed)} failed; "
            f"{len(result.refused)} are outside the operator set (reasons with --json)"
        )
    if result.failed:
        raise typer.Exit(1)
