"""What a streaming detector says at the end of each window, under the two semantics of its state."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from edgeeeg.data.windows import WindowGrid
from edgeeeg.errors import RecordingError


class FrameDetector(Protocol):
    """A module that gives one score a hop: (batch, 1, n_times) to (batch, n_frames, 1)."""

    @property
    def hop(self) -> int:
        """Samples of a frame."""

    def eval(self) -> Any:
        """Leave training mode."""

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of whole hops of samples."""


Semantics = Literal["windowed", "carried"]
SEMANTICS: tuple[Semantics, ...] = ("windowed", "carried")

BATCH = 256
"""Windows in one forward pass: bounds the memory of the widest activation to tens of MB."""


def windowed_outputs(
    model: FrameDetector, samples: NDArray[np.float32], grid: WindowGrid
) -> NDArray[np.float32]:
    """Probability at the end of each window with the state reset at its start, (n_files, n_windows).

    The model sees the window's last whole hops, up to hop - 1 samples fewer than the window holds.
    """
    n_times = grid.length // model.hop * model.hop
    if n_times == 0:
        raise RecordingError(f"windows of {grid.length} samples are shorter than the hop of {model.hop}")
    windows = grid.cut(samples)[..., grid.length - n_times :]
    outputs = forward(model, windows.reshape(-1, n_times))[:, -1]
    return outputs.reshape(windows.shape[:2])


def carried_outputs(
    model: FrameDetector, samples: NDArray[np.float32], grid: WindowGrid
) -> NDArray[np.float32]:
    """Probability at the end of each window with the state carried through the file, (n_files, n_windows).

    It is the output of the last hop that ends within the window, as a deployed stream would give it.
    """
    n_times = samples.shape[-1] // model.hop * model.hop
    return forward(model, samples[:, :n_times])[:, grid.stops // model.hop - 1]


def window_outputs(
    model: FrameDetector, samples: NDArray[np.float32], grid: WindowGrid, semantics: Semantics
) -> NDArray[np.float32]:
    """Outputs (n_files, n_windows) under the named semantics."""
    return {"windowed": windowed_outputs, "carried": carried_outputs}[semantics](model, samples, grid)


def forward(model: FrameDetector, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores (n_rows, n_frames) of rows (n_rows, n_times) of whole hops, each from zero state."""
    model.eval()
    with torch.no_grad():
        batches = [
            model(torch.from_numpy(np.array(rows[start : start + BATCH, None])))
            for start in range(0, len(rows), BATCH)
        ]
    outputs: NDArray[Any] = torch.cat(batches)[:, :, 0].numpy()
    return outputs
