"""Verbs of this component."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import numpy as np
import typer

from edgeeeg import terminal
from edgeeeg.extras import needs

MAX_SEED = 2**64 - 1
"""The largest that torch takes."""


class DataSet(StrEnum):
    """Data sets that `train` knows."""

    BONN = "bonn"


class TaskChoice(StrEnum):
    """Tasks that `train` knows."""

    RAW = "raw"
    NORMALISED = "normalised"
    BOTH = "both"


def register(app: typer.Typer) -> None:
    """Add this component's verbs to the application."""
    app.command(
        epilog="Example: `edgeeeg train --data bonn --root data/bonn --out runs/weights --task normalised`"
    )(train)
    app.command(
        epilog="Example: `edgeeeg run runs/demo/bundle night.edf --channel FP1-F7 --resample --out out.tsv`"
    )(run)


@needs("train", "torch", "sklearn", "scipy", "safetensors")
def train(
    root: Path = typer.Option(..., help="Folder of the data set: for Bonn, the one with Z, O, N, F and S."),
    out: Path = typer.Option(..., help="Folder for the weights, *.safetensors."),
    data: DataSet = typer.Option(DataSet.BONN, help="Data set."),
    task: TaskChoice = typer.Option(TaskChoice.BOTH, help="Amplitudes in µV, normalised, or both."),
    folds: bool = typer.Option(True, help="Train the five folds too, not the final weights alone."),
    epochs: int | None = typer.Option(None, min=1, help="Passes over the files; default: as shipped."),
    seed: int = typer.Option(
        0, min=0, max=MAX_SEED, help="Of the initial weights, the order and the augmentation."
    ),
    json: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Train the edge detector from scratch and write its weights.

    The defaults are those of the weights that ship with the package.
    """
    from dataclasses import replace

    from edgeeeg.data.bonn_segments import TASKS, Task
    from edgeeeg.models.pretrained import weights_file
    from edgeeeg.output_path import require_file
    from edgeeeg.signal.bonn import read_bonn
    from edgeeeg.training.bonn import TrainingRun, plan_runs, train_bonn
    from edgeeeg.training.fit import TrainingSettings

    settings = TrainingSettings(seed=seed)
    if epochs is not None:
        settings = replace(settings, epochs=epochs)
    tasks: tuple[Task, ...] = tuple(name for name in TASKS if task in (name, TaskChoice.BOTH))
    runs = plan_runs(tasks, folds)
    for planned in runs:
        require_file(weights_file(planned.task, planned.fold, out))
    segments = read_bonn(root)
    written = []
    with terminal.progress() as progress:
        bar = progress.add_task("training", total=len(runs) * settings.epochs)

        def on_epoch(run: TrainingRun, loss: float) -> None:
            progress.update(bar, advance=1, description=f"{run.name}, loss {loss:.3f}")

        for path in train_bonn(segments, runs, out, settings, on_epoch):
            written.append(path)
            terminal.stderr.print(f"wrote {path}")
    if json:
        terminal.print_json(
            {
                "data": data.value,
                "weights": [str(path) for path in written],
                "epochs": settings.epochs,
                "seed": settings.seed,
            }
        )
    else:
        for path in written:
            terminal.stdout.print(str(path))


@needs("ort,eeg", "onnxruntime", "edfio")
def run(
    bundle: Path = typer.Argument(help="Folder of a bundle."),
    recording: Path = typer.Argument(exists=True, help="EDF file."),
    channel: list[str] | None = typer.Option(
        None, help="Channel of the file, once for each of the model's inputs in order; default: same names."
    ),
    resample: bool = typer.Option(False, help="Bring the recording to the model's rate."),
    normalise: bool = typer.Option(False, help="Scale the recording to zero mean and unit variance."),
    out: Path | None = typer.Option(None, help="TSV file for the outputs of every step."),
    json: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Run a bundle over a recording in ONNX Runtime, as a stream, and list what it detects.

    The recording is rounded to the bundle's int16 counts first, as a device would be sent it. A detection is
    a stretch of steps whose first output is at or above the bundle's threshold.
    """
    from edgeeeg.bundle import Bundle
    from edgeeeg.detections import above_threshold, write_outputs
    from edgeeeg.model_input import read_for
    from edgeeeg.output_path import require_file
    from edgeeeg.signal.counts import INT16_MAX, from_int16
    from edgeeeg.stream import Stream

    opened = Bundle.load(bundle)
    info = opened.manifest
    if out is not None:
        require_file(out)
    eeg = read_for(info.input, recording, channel, resample=resample, normalise=normalise)
    # what the device would be sent: without the rounding these would not be the contract's numbers
    counts, saturated = eeg.to_int16(info.input.lsb, allow_clipping=True)
    samples = from_int16(counts, info.input.lsb)
    stream = Stream(opened)
    block = max(info.hop, round(eeg.sfreq))
    pieces = []
    with terminal.progress() as progress:
        bar = progress.add_task("running", total=eeg.n_times)
        for start in range(0, eeg.n_times, block):
            pieces.append(stream.push(samples[:, start : start + block]))
            progress.update(bar, completed=start + block)
    pieces.append(stream.flush())
    outputs = np.concatenate(pieces)
    if out is not None:
        write_outputs(out, info, outputs)
    if saturated:
        terminal.stderr.print(
            f"{saturated} of {counts.size} samples exceed ±{info.input.lsb * INT16_MAX:g} {info.input.unit} "
            "and saturate, as they would on the device"
        )
    limited = {layer: count for layer, count in stream.saturations.items() if count}
    if limited:
        layers = ", ".join(f"{layer} {count} times" for layer, count in limited.items())
        terminal.stderr.print(f"integer states saturated, as on the device: {layers}", markup=False)
    found = above_threshold(info, outputs)
    if json:
        terminal.print_json(
            {
                "recording": str(recording),
                "duration": eeg.duration,
                "steps": len(outputs),
                "hop_seconds": info.hop / info.input.sfreq,
                "saturated_samples": saturated,
                "saturated_states": limited,
                "threshold": info.outputs[0].threshold,
                "detections": None
                if found is None
                else [{"onset": d.onset, "duration": d.duration} for d in found],
                "outputs": None if out is None else str(out),
            }
        )
        return
    steps = f"{len(outputs)} steps over {eeg.duration:.1f} s"
    if found is None:
        terminal.stdout.print(f"{steps}; no threshold is set: outputs only")
        return
    terminal.stdout.print(f"{steps}; {len(found)} detections")
    for detection in found:
        terminal.stdout.print(f"{detection.onset:10.2f} s  for {detection.duration:.2f} s")
