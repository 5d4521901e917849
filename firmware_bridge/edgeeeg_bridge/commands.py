"""Verbs of this component."""

from __future__ import annotations

import tempfile
from pathlib import Path

import typer

from edgeeeg import terminal


def register(app: typer.Typer) -> None:
    """Add this component's verbs to the application."""
    app.command(epilog="Example: `edgeeeg verify out/detector --board qemu:mps2-an386`")(verify)


def verify(
    bundle: Path = typer.Argument(help="Folder of a bundle."),
    model: str | None = typer.Option(
        None, help="The original, to compare with it too: `edge-detector`, `module:factory`, .pt2 or .onnx."
    ),
    weights: Path | None = typer.Option(None, help="State dict for module:factory."),
    board: str | None = typer.Option(None, help="Emulated board to run it on, such as qemu:mps2-an386."),
    port: str | None = typer.Option(None, help="Serial port or pyserial URL of a board that runs it."),
    recording: Path | None = typer.Option(
        None, exists=True, help="EDF file to run; default: ten minutes of synthetic EEG."
    ),
    json: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Check the contract of a bundle again: every target on the same samples, without reset.

    The result is stored in the bundle. Exit code 2 if a target differs.
    """
    from edgeeeg.bundle import Bundle
    from edgeeeg.signal import read_edf
    from edgeeeg_bridge.board_run import emulated_target, run_on_port
    from edgeeeg_export import contract, contract_table
    from edgeeeg_export.loading import load_model
    from edgeeeg_export.pipeline import reload, verification_json
    from edgeeeg_export.verification_counts import counts_of_inputs, verification_inputs

    opened = Bundle.load(bundle)
    source = None if model is None else load_model(model, weights).source
    subject = reload(opened, source)
    read = None if recording is None else read_edf(recording).resample(opened.manifest.input.sfreq)
    counts = verification_inputs(counts_of_inputs(opened.manifest, read), opened.manifest)
    n_times = len(counts[opened.manifest.inputs[0].name])
    with terminal.progress() as bar, tempfile.TemporaryDirectory() as build:
        task = bar.add_task("reference", total=None)
        extra: dict[str, contract.Runner] = {}

        def answered(frames: int) -> None:
            bar.update(task, completed=frames, total=n_times)

        if board is not None:
            extra["board"] = emulated_target(board, Path(build), answered)
        if port is not None:
            model_hash = opened.manifest.model_hash
            extra["port"] = lambda program, counts: run_on_port(port, model_hash, counts, answered).outputs
        records = contract.verify(
            subject, counts, extra, lambda name: bar.update(task, description=f"verifying {name}", total=None)
        )
    opened.add({contract_table.VERIFICATION: verification_json(records, read)})
    if json:
        terminal.print_json({"bundle": str(bundle), "contract": contract.to_json(records)})
    else:
        terminal.stdout.print(contract_table.render(contract.to_json(records)))
    contract.require_kept(records)
