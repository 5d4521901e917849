"""The models of the table: where each comes from, and which folds of Bonn it is scored on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import nn

from edgeeeg.data.bonn_segments import LabelledSegments
from edgeeeg.data.folds import N_FOLDS, Fold
from edgeeeg.data.windows import WindowGrid
from edgeeeg.errors import MissingDependency
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.models.pretrained import load_detector
from edgeeeg.signal.bonn import SFREQ
from edgeeeg_bench.quantization.networks import (
    HOP,
    FrameNetwork,
    Gru,
    Rwkv4Block,
    WindowNetwork,
    bidirectional_mamba,
)
from edgeeeg_bench.quantization.retraining import retrain
from edgeeeg_bench.window_training import WindowTraining, train_on_windows
from edgeeeg_bench.zoo.epidenet import EpiDeNet

N_TIMES = 344
"""Samples of the whole hops of `HOP` in a window of 2 s."""
TRAINED_FOLDS = (0,)
"""Folds for which the models that do not ship are trained."""

Network = FrameNetwork | WindowNetwork


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of the table.

    Parameters
    ----------
    model_of_fold : the model in evaluation mode of a fold by its number, trained without its held-out files.
    n_times, hop : samples of a window that it sees, and of a step.
    folds : those that it is scored on.
    retrained : the model of a fold, trained on in integers on the same files and frozen; for models that lose
        too much where they are only calibrated.
    """

    name: str
    model_of_fold: Callable[[int], nn.Module]
    n_times: int
    hop: int
    folds: tuple[int, ...] = TRAINED_FOLDS
    retrained: Callable[[int, nn.Module], nn.Module] | None = None


def entries(labelled: LabelledSegments, folds: tuple[Fold, ...], weights: Path) -> tuple[Entry, ...]:
    """Every model, in the order of the table; those that do not ship are trained when asked for.

    Parameters
    ----------
    labelled : Bonn, amplitude-normalised.
    weights : folder for the weights of what is trained.
    """

    def trained(name: str, build: Callable[[], Network], n_times: int, hop: int, epochs: int) -> Entry:
        def of_fold(fold: int) -> nn.Module:
            torch.manual_seed(fold)
            model = _train(build(), labelled.take(folds[fold].train), n_times, epochs)
            weights.mkdir(parents=True, exist_ok=True)
            save_file(model.state_dict(), weights / f"{name.replace(' ', '-')}-fold{fold}.safetensors")
            return model

        return Entry(name, of_fold, n_times, hop)

    return (
        Entry(
            "shipped detector",
            lambda fold: load_detector("normalised", fold),
            N_TIMES,
            HOP,
            tuple(range(N_FOLDS)),
        ),
        trained("EEGNet", _eegnet, 320, 32, 10),
        trained("EpiDeNet", lambda: WindowNetwork(EpiDeNet(1, 256, 1)), 256, 128, 12),
        trained("GRU", lambda: FrameNetwork(Gru()), N_TIMES, HOP, 15),
        trained("causal Mamba", lambda: FrameNetwork(MambaBlock(16)), N_TIMES, HOP, 15),
        replace(
            trained("bidirectional Mamba", lambda: FrameNetwork(bidirectional_mamba()), 336, 6 * HOP, 12),
            retrained=lambda fold, model: retrain(model, *_windows(labelled.take(folds[fold].train), 336)),
        ),
        trained("RWKV-4", lambda: FrameNetwork(Rwkv4Block()), N_TIMES, HOP, 15),
    )


def _train(model: Network, files: LabelledSegments, n_times: int, epochs: int) -> Network:
    """Fit the last samples of every window to the label of its file."""
    return train_on_windows(model, *_windows(files, n_times), WindowTraining(epochs=epochs, batch_size=128))


def _windows(files: LabelledSegments, n_times: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The last samples of every window (n_windows, n_times), and the label of its file."""
    grid = WindowGrid.of_seconds(files.samples.shape[1], SFREQ)
    windows = grid.cut(files.samples)[..., grid.length - n_times :]
    ictal = np.repeat(files.ictal, windows.shape[1])
    return np.ascontiguousarray(windows.reshape(len(ictal), n_times)), ictal


def _eegnet() -> WindowNetwork:
    try:
        from braindecode.models import EEGNetv4
    except ImportError as error:
        raise MissingDependency(
            "EEGNet needs braindecode; install it with: pip install 'edgeeeg[zoo]'"
        ) from error
    return WindowNetwork(EEGNetv4(n_chans=1, n_outputs=1, n_times=320))
