"""Weights of the edge detector that ship with the package; `edgeeeg train` writes the same files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from edgeeeg.data.bonn_segments import TASKS, Task
from edgeeeg.errors import ModelError
from edgeeeg.models.edge_detector import EdgeDetector

WEIGHTS = Path(__file__).parent / "weights"

INPUT_SCALES: dict[Task, float] = {"raw": 100.0, "normalised": 1.0}
"""Input units that count as 1 inside the detector: 100 µV, or one standard deviation."""


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A detector in evaluation mode with the thresholds that its training files gave.

    Parameters
    ----------
    thresholds : semantics ("windowed", "carried") to the probability from which a window counts as ictal.
    """

    model: EdgeDetector
    thresholds: dict[str, float]


def detector_for(task: Task) -> EdgeDetector:
    """Untrained detector with the sizes and the input scale of the shipped one.

    Raises
    ------
    ModelError
        For an unknown task.
    """
    if task not in INPUT_SCALES:
        raise ModelError(f"there is no detector for task {task!r}: use one of {', '.join(TASKS)}")
    return EdgeDetector(input_scale=INPUT_SCALES[task])


def weights_file(task: Task, fold: int | None = None, folder: Path = WEIGHTS) -> Path:
    """Path of one weight set: the final one, or that of a fold, trained without the fold's held-out files."""
    suffix = "" if fold is None else f"-fold{fold}"
    return folder / f"edge_detector-{task}{suffix}.safetensors"


def load_detector(task: Task = "raw", fold: int | None = None, folder: Path = WEIGHTS) -> EdgeDetector:
    """The shipped detector in evaluation mode: trained on all files, or without one fold's held-out files.

    Raises
    ------
    ModelError
        For an unknown task, or weights that are missing, corrupt or of another model.
    """
    return load_pretrained(task, fold, folder).model


def load_pretrained(task: Task, fold: int | None = None, folder: Path = WEIGHTS) -> Pretrained:
    """The same with its thresholds."""
    from safetensors import SafetensorError, safe_open

    model = detector_for(task)
    path = weights_file(task, fold, folder)
    try:
        with safe_open(path, framework="pt") as file:
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata: dict[str, str] = file.metadata() or {}
    except FileNotFoundError as error:
        raise ModelError(f"weights {path} do not exist: `edgeeeg train` writes them") from error
    except (SafetensorError, OSError) as error:
        raise ModelError(f"weights {path} cannot be read as safetensors: {error}") from error
    _check_tensors(path, tensors, model)
    model.load_state_dict(tensors)
    return Pretrained(model.eval(), _thresholds(path, metadata))


def save_pretrained(trained: Pretrained, path: Path) -> None:
    """Write weights and thresholds in one piece: an interrupted write leaves the old file as it was."""
    from safetensors.torch import save

    metadata = {f"threshold.{name}": repr(value) for name, value in sorted(trained.thresholds.items())}
    payload = save(_weights(trained.model), metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    try:
        partial.write_bytes(payload)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _weights(model: EdgeDetector) -> dict[str, Tensor]:
    return {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}


def _check_tensors(path: Path, tensors: dict[str, Tensor], model: EdgeDetector) -> None:
    expected = {name: tensor.shape for name, tensor in model.state_dict().items()}
    for name in sorted(expected.keys() | tensors.keys()):
        found = tuple(tensors[name].shape) if name in tensors else None
        wanted = tuple(expected[name]) if name in expected else None
        if found != wanted:
            raise ModelError(
                f"weights {path}: tensor {name} has shape {found}, the detector needs {wanted}; "
                "they belong to another model or version"
            )


def _thresholds(path: Path, metadata: dict[str, str]) -> dict[str, float]:
    prefix = "threshold."
    try:
        return {
            name.removeprefix(prefix): float(value)
            for name, value in metadata.items()
            if name.startswith(prefix)
        }
    except ValueError as error:
        raise ModelError(f"weights {path}: a threshold in the metadata is no number: {error}") from error
