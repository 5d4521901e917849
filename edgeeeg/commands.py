"""Verbs of this component."""

from __future__ import annotations

import importlib.util
from enum import StrEnum
from pathlib import Path

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


def _require_packages(*packages: str) -> None:
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise MissingDependency(f"training needs {', '.join(missing)}: pip install 'edgeeeg[train]'")
