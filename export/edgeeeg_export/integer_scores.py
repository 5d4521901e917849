"""A detector's program of integers as `edgeeeg audit` scores it: in NumPy, with the bits of a device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgeeeg.data.bonn_segments import Task
from edgeeeg.data.windows import WindowGrid
from edgeeeg.evaluation.frame_scores import FrameScores
from edgeeeg.signal.bonn import SFREQ
from edgeeeg_export import reference
from edgeeeg_export.graph import Graph
from edgeeeg_export.input_spec import LSB
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.quantize.format import Format, Storage
from edgeeeg_export.quantize.preparation import Settings, prepare
from edgeeeg_export.quantmath import Width
from edgeeeg_export.tensor import Array

CALIBRATION_EVERY = 10
"""Every tenth training file calibrates: a quarter of an hour of Bonn."""


@dataclass(frozen=True, slots=True)
class IntegerChoice:
    """What `--quantize` and `--states` ask for, and how ranges follow from what was seen."""

    tensors: Width
    states: Storage = "float32"
    observer: str = "percentile"

    @property
    def name(self) -> str:
        """As the audit calls the program."""
        return self.tensors if self.states == "float32" else f"{self.tensors}/{self.states} state"


@dataclass(frozen=True, slots=True)
class IntegerScores:
    """An offline graph of integers as a detector: (batch, 1, n_times) to scores (batch, n_frames, 1)."""

    graph: Graph
    hop: int

    def eval(self) -> IntegerScores:
        """Itself: a program has no mode."""
        return self

    def __call__(self, x: Tensor) -> Tensor:
        """Scores of whole hops, each row from the initial state."""
        return torch.from_numpy(np.stack([self._scores(row) for row in x.numpy()])[:, :, None])

    def _scores(self, row: Array) -> Array:
        (name,), result = self.graph.inputs, self.graph.outputs[0]
        return reference.run(self.graph, {name: row[None]}).tensors[result].ravel()


def integer_scores(
    model: FrameScores, task: Task, training: NDArray[np.float32], choice: IntegerChoice
) -> IntegerScores:
    """The program of integers that an export makes of a model, calibrated on every tenth training file.

    Parameters
    ----------
    task : what its input is; says what one count of a device is worth.
    training : (n_files, n_times), files that the model may have seen; they follow each other, the state
        carried.

    Raises
    ------
    ExportError
        If the model cannot be captured, has no program of integers, or diverges on these files.
    """
    window = WindowGrid.of_seconds(training.shape[1], SFREQ).length
    n_times = window // model.hop * model.hop
    captured = load_model(model.module, n_chans=1, n_times=n_times).onnx_model
    floats = lower(captured, "model", model.hop)
    (name,) = floats.captured.inputs
    count = LSB["uV" if task == "raw" else "z"]
    heard = training[::CALIBRATION_EVERY].ravel()
    heard = heard[: len(heard) // model.hop * model.hop]
    settings = Settings(choice.observer, {name: Format("int16", count)}, choice.tensors, choice.states)
    prepared = prepare(floats.captured, model.hop, {name: heard[None, None]}, settings)
    integers = lower(captured, "model", model.hop, formats=prepared.formats, adjustments=prepared.adjustments)
    return IntegerScores(integers.offline, model.hop)
