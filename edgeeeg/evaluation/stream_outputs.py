"""What a detector says at the end of each window of one long stream: carried, or reset every so often."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeeeg.data.windows import WindowGrid
from edgeeeg.errors import RecordingError
from edgeeeg.evaluation.window_outputs import FrameDetector, forward


def stream_outputs(
    model: FrameDetector, samples: NDArray[np.float32], grid: WindowGrid, period: int | None = None
) -> NDArray[np.float32]:
    """Scores (n_files, n_windows) of files (n_files, n_times) that follow each other in one stream.

    It is the output of the last hop that ends within the window, as a deployed stream would give it.

    Parameters
    ----------
    period : samples after which the state starts from zero again, rounded down to whole hops; None carries it
        from the first file to the last.

    Raises
    ------
    RecordingError
        If the period is shorter than a hop.
    """
    stream = samples.reshape(1, -1)
    n_times = stream.shape[1] // model.hop * model.hop
    period = n_times if period is None else min(period // model.hop * model.hop, n_times)
    if period == 0:
        raise RecordingError(f"a reset more often than every hop of {model.hop} samples leaves no output")
    whole = n_times // period * period
    scores = forward(model, stream[0, :whole].reshape(-1, period)).ravel()
    if whole < n_times:
        scores = np.concatenate([scores, forward(model, stream[:, whole:n_times]).ravel()])
    stops = np.arange(len(samples))[:, None] * grid.n_times + grid.stops
    at_stops: NDArray[np.float32] = scores[stops // model.hop - 1]
    return at_stops
