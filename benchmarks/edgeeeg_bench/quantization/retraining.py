"""Training on in integers, for models that lose too much where they are only calibrated."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edgeeeg.quantization.freeze import FrozenModel, freeze
from edgeeeg.quantization.prepare import prepare
from edgeeeg_bench.window_training import WindowTraining, train_on_windows

CALIBRATED_ON = 512
"""Windows, evenly drawn, that ranges are taken from before they are learned."""
SETTINGS = WindowTraining(epochs=4, batch_size=128, learning_rate=1e-3)


def retrain(
    model: nn.Module,
    windows: NDArray[np.float32],
    ictal: NDArray[np.bool_],
    settings: WindowTraining = SETTINGS,
) -> FrozenModel:
    """A trained model that has been trained on in integers, ready to be exported; the same for the same seed.

    Parameters
    ----------
    model : (batch, 1, n_times) to log-odds (batch, n_frames, 1).
    windows : (n_windows, n_times), whole hops.
    ictal : (n_windows,).
    """
    every = max(1, len(windows) // CALIBRATED_ON)
    recordings = torch.from_numpy(np.ascontiguousarray(windows[::every, None]))
    quantized = prepare(model, recordings[:1], recordings)
    return freeze(train_on_windows(quantized, windows, ictal, settings))
