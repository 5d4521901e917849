"""Verbs of this component."""

from __future__ import annotations

import importlib.util
from enum import StrEnum
from pathlib import Path

import numpy as np
import typer

from edgeeeg import terminal
from edgeeeg.errors import MissingDependency


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


def train(
    root: Path = typer.Option(..., help="Folder of the data set: for Bonn, the one with Z, O, N, F and S."),
    out: Path = typer.Option(..., help="Folder for the weights, *.safetensors."),
    data: DataSet = typer.Option(DataSet.BONN, help="Data set."),
    task: TaskChoice = typer.Option(TaskChoice.BOTH, help="Amplitudes in µV, normalised, or both."),
    folds: bool = typer.Option(True, help="Train the five folds too, not the final weights alone."),
    epochs: int | None = typer.Option(None, min=1, help="Passes over the files; default: as shipped."),
    seed: int = typer.Option(0, min=0, help="Of the initial weights, the order and the augmentation."),
    json: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Train the edge detector from scratch and write its weights.

    The defaults are those of the weights that ship with the package.
    """
    from dataclasses import replace

    _require_packages("torch", "sklearn", "scipy", "safetensors")
    from edgeeeg.data.bonn_segments import TASKS, Task
    from edgeeeg.signal.bonn import read_bonn
    from edgeeeg.training.bonn import TrainingRun, plan_runs, train_bonn
    from edgeeeg.training.fit import TrainingSettings

    settings = TrainingSettings(seed=seed)
    if epochs is not None:
        settings = replace(settings, epochs=epochs)
    tasks: tuple[Task, ...] = tuple(name for name in TASKS if task in (name, TaskChoice.BOTH))
    runs = plan_runs(tasks, folds)
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

    A detection is a stretch of steps whose first output is at or above the bundle's threshold.
    """
    from edgeeeg.bundle import Bundle
    from edgeeeg.detections import above_threshold, write_outputs
    from edgeeeg.errors import RecordingError
    from edgeeeg.signal.edf import read_edf
    from edgeeeg.stream import Stream

    opened = Bundle.load(bundle)
    info = opened.manifest
    eeg = read_edf(recording).pick(channel or info.input.ch_names)
    if eeg.n_chans != len(info.input.ch_names):
        raise RecordingError(
            f"the model takes {len(info.input.ch_names)} channels ({', '.join(info.input.ch_names)}) and "
            f"{eeg.n_chans} were chosen: give --channel once for each"
        )
    eeg = eeg.resample(info.input.sfreq) if resample else eeg
    eeg.require_sfreq(info.input.sfreq)
    eeg = eeg.zscored() if normalise else eeg
    if eeg.unit != info.input.unit:
        raise RecordingError(
            f"the model takes '{info.input.unit}' and the recording is in '{eeg.unit}': "
            f"{'add' if info.input.unit == 'z' else 'leave out'} --normalise"
        )
    stream = Stream(opened)
    block = max(info.hop, round(eeg.sfreq))
    pieces = []
    with terminal.progress() as progress:
        bar = progress.add_task("running", total=eeg.n_times)
        for start in range(0, eeg.n_times, block):
            pieces.append(stream.push(eeg.data[:, start : start + block]))
            progress.update(bar, completed=start + block)
    pieces.append(stream.flush())
    outputs = np.concatenate(pieces)
    if out is not None:
        write_outputs(out, info, outputs)
    found = above_threshold(info, outputs)
    if json:
        terminal.print_json(
            {
                "recording": str(recording),
                "duration": eeg.duration,
                "steps": len(outputs),
                "hop_seconds": info.hop / info.input.sfreq,
                "threshold": info.outputs[0].threshold,
                "detections": [{"onset": d.onset, "duration": d.duration} for d in found],
                "outputs": None if out is None else str(out),
            }
        )
        return
    terminal.stdout.print(f"{len(outputs)} steps over {eeg.duration:.1f} s; {len(found)} detections")
    for detection in found:
        terminal.stdout.print(f"{detection.onset:10.2f} s  for {detection.duration:.2f} s")


def _require_packages(*packages: str) -> None:
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise MissingDependency(f"training needs {', '.join(missing)}: pip install 'edgeeeg[train]'")
