"""Scores of a graph on windows, in the NumPy reference: what the device would say at the end of each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeeeg.data.bonn_segments import LabelledSegments
from edgeeeg.data.windows import WindowGrid
from edgeeeg.signal.bonn import SFREQ
from edgeeeg_export import reference
from edgeeeg_export.lowering import Lowered
from edgeeeg_export.tensor import Array


def aucs(lowered: Lowered, n_times: int, files: LabelledSegments) -> dict[str, float]:
    """Area under the ROC curve over windows of 2 s, by how the state is handled.

    windowed : each window's last `n_times` samples from the initial state.
    carried : each file from the initial state, its last output before the end of a window. Windows that end
        before a stream gives anything, because it waits for look-ahead or a whole window, are left out.
    """
    from sklearn.metrics import roc_auc_score

    grid = WindowGrid.of_seconds(files.samples.shape[1], SFREQ)
    windows = grid.cut(files.samples)[..., grid.length - n_times :]
    windowed = np.array([[_outputs(lowered, window)[-1] for window in of_file] for of_file in windows])
    carried = np.array([_outputs(lowered, samples) for samples in files.samples])
    step = grid.stops // lowered.hop - 1 - lowered.step.timing.delay
    at_stops = {"windowed": windowed, "carried": carried[:, step[step >= 0]]}
    return {
        name: float(roc_auc_score(np.repeat(files.ictal, scores.shape[1]), scores.ravel()))
        for name, scores in at_stops.items()
    }


def as_input(lowered: Lowered, samples: NDArray[np.float32]) -> dict[str, Array]:
    """Whole hops of one channel (n_times,) as the model takes them."""
    (name,) = lowered.offline.inputs
    return {name: samples[None, None, : len(samples) // lowered.hop * lowered.hop]}


def _outputs(lowered: Lowered, samples: NDArray[np.float32]) -> Array:
    """The only output (n_outputs,) at each step, from the initial state."""
    (name,) = lowered.offline.outputs
    return reference.run(lowered.offline, as_input(lowered, samples)).tensors[name].ravel()
