"""Verbs of this component."""

from __future__ import annotations

from pathlib import Path

import typer

from edgeeeg import terminal
from edgeeeg.extras import needs


def register(app: typer.Typer) -> None:
    """Add this component's verbs to the application."""
    app.command(
        epilog="Example: `edgeeeg export my_models:detector --weights detector.safetensors --sfreq 256 "
        "--channel Fp1 --channel Fp2 --board nrf52840 --out out/detector`"
    )(export)
    app.command("inspect", epilog="Example: `edgeeeg inspect my_models:detector`")(inspect_verb)
    app.command(epilog="Example: `edgeeeg conformance --filter softmax`")(conformance)


@needs("export")
def export(
    model: str = typer.Argument(
        help="`edge-detector`, `edge-detector-normalised`, `module:factory`, a `.pt2` or an `.onnx` file."
    ),
    out: Path = typer.Option(..., help="Folder of the bundle; an older bundle there is replaced."),
    weights: Path | None = typer.Option(
        None, help="State dict for module:factory: .safetensors, or .pt (weights only)."
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
    hop: int | None = typer.Option(None, min=1, help="Samples of a step; default: the fewest that work."),
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
    json: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Turn a trained model into a verified bundle: one-step ONNX, C99, golden vectors, contract."""
    from edgeeeg.signal import read_edf
    from edgeeeg_export import contract_table
    from edgeeeg_export.loading import is_factory
    from edgeeeg_export.pipeline import export_model

    if n_chans is None and channel and is_factory(model):
        n_chans = len(channel)
    read = None if recording is None else read_edf(recording)
    if read is not None and sfreq is not None and read.sfreq != sfreq:
        read = read.resample(sfreq)
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
            lsb=lsb,
            threshold=threshold,
            board=board,
            recording=read,
            on_target=lambda target: bar.update(task, description=f"verifying {target}"),
        )
    info = bundle.manifest
    records = contract_table.read(bundle)
    if json:
        terminal.print_json(
            {
                "bundle": str(out),
                "model_hash": info.model_hash,
                "hop": info.hop,
                "sizes": info.c.model_dump(),
                "contract": records,
            }
        )
        return
    terminal.stdout.print(contract_table.render(records))
    terminal.stdout.print(
        f"{out}: {info.hop} samples a step, {info.c.weight_bytes} bytes of weights, "
        f"{info.c.struct_bytes} bytes of RAM (state {info.c.state_bytes}, arena {info.c.arena_bytes})"
    )


@needs("export")
def inspect_verb(
    model: str = typer.Argument(
        help="`edge-detector`, `edge-detector-normalised`, `module:factory`, a `.pt2` or an `.onnx` file."
    ),
    n_chans: int | None = typer.Option(
        None, min=1, help="Channels to trace a module with; default: its `n_chans`."
    ),
    n_times: int | None = typer.Option(
        None,
        min=1,
        help="Samples to trace a module with, its window; default: its `n_times`.",
    ),
    hop: int | None = typer.Option(None, min=1, help="Samples of a step; default: the fewest that work."),
    json: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Say what a model is, what it costs as a stream, which boards hold it and what stands in its way."""
    from edgeeeg_export.inspection import inspect_model
    from edgeeeg_export.inspection_table import render
    from edgeeeg_export.loading import load_model

    found = inspect_model(load_model(model, None, n_chans, n_times), hop)
    if json:
        terminal.print_json(found.to_json())
        return
    for part in render(found):
        terminal.stdout.print(part)


@needs("export")
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
