"""Verbs of this component."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import typer

from edgeeeg import terminal
from edgeeeg.errors import IllegalOption
from edgeeeg.extras import needs


def register(app: typer.Typer) -> None:
    """Add this component's verbs to the application."""
    app.command(epilog="Example: `edgeeeg verify out/detector --board qemu:mps2-an386`")(verify)


@needs("export,bridge", "onnx", "onnxruntime", "serial", "cobs")
def verify(
    bundle: Path = typer.Argument(help="Folder of a bundle."),
    model: str | None = typer.Option(
        None, help="The original, to compare with it too: `edge-detector`, `module:factory`, .pt2 or .onnx."
    ),
    weights: Path | None = typer.Option(None, help="State dict for `module:factory`."),
    layout: str | None = typer.Option(None, help="Axes of the original's input, as in `edgeeeg export`."),
    board: str | None = typer.Option(None, help="Emulated board to run it on, such as qemu:mps2-an386."),
    port: str | None = typer.Option(None, help="Serial port or pyserial URL of a board that runs it."),
    recording: Path | None = typer.Option(
        None, exists=True, help="EDF file to run; default: ten minutes of synthetic EEG."
    ),
    channel: list[str] | None = typer.Option(
        None, help="Channel of the file, once for each of the model's inputs in order; default: same names."
    ),
    resample: bool = typer.Option(False, help="Bring the recording to the model's rate."),
    normalise: bool = typer.Option(False, help="Scale the recording to zero mean and unit variance."),
    json: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Check a bundle again: its manifest, its golden samples, and every target on the same samples.

    The result is stored in the bundle, beside earlier ones of targets that were not run. Exit code 2 if a
    target differs.
    """
    from edgeeeg.bundle import Bundle
    from edgeeeg.model_input import read_for
    from edgeeeg_bridge.board_run import emulated_target, require_emulated, run_on_port
    from edgeeeg_export import contract, contract_table, golden
    from edgeeeg_export.pipeline import load_original, reload, verification_json
    from edgeeeg_export.verification_counts import counts_of_inputs, verification_inputs

    if model is None and (weights is not None or layout is not None):
        raise IllegalOption(
            "--weights and --layout are those of a --model, and none is given: add --model module:factory"
        )
    if recording is None and (channel or resample or normalise):
        raise IllegalOption("--channel, --resample and --normalise prepare a --recording, and none is given")
    if board is not None:
        require_emulated(board)
    opened = Bundle.load(bundle)
    subject = reload(opened)
    golden.require_played(opened, subject)
    if model is not None:
        subject = replace(subject, source=load_original(opened, model, weights, layout))
    read = (
        None
        if recording is None
        else read_for(opened.manifest.input, recording, channel, resample=resample, normalise=normalise)
    )
    # a device saturates too, and the size of a count can no longer be chosen
    eeg = counts_of_inputs(opened.manifest, read, allow_clipping=True)
    counts = verification_inputs(eeg, opened.manifest)
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
    stored = verification_json(records, read, contract_table.read(opened))
    opened.add({contract_table.VERIFICATION: stored})
    if json:
        terminal.print_json({"bundle": str(bundle), "contract": contract.to_json(records)})
    else:
        terminal.stdout.print(contract_table.render(contract.to_json(records)))
    contract.require_kept(records)
