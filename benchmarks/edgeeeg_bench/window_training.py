"""Training as most code for EEG windows does it: zero state, one label at the window's end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class WindowModel(Protocol):
    """A module that gives log-odds (batch, n_frames, 1) of samples (batch, 1, n_times)."""

    def logits(self, x: Tensor) -> Tensor:
        """Log-odds at each frame; the last one is trained."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """What is trained."""

    def train(self) -> Any:
        """Enter training mode."""

    def eval(self) -> Any:
        """Leave training mode."""


Model = TypeVar("Model", bound=WindowModel)


@dataclass(frozen=True, slots=True)
class WindowTraining:
    """How long and how fast; `seed` is that of the order of the windows."""

    epochs: int = 20
    batch_size: int = 256
    learning_rate: float = 5e-3
    seed: int = 0


def train_on_windows(
    model: Model,
    windows: NDArray[np.float32],
    ictal: NDArray[np.bool_],
    settings: WindowTraining,
    on_epoch: Callable[[float], None] = lambda loss: None,
) -> Model:
    """Fit the last output of every window to its label; each starts from zero state, none is carried.

    Parameters
    ----------
    windows : (n_windows, n_times), whole hops.
    ictal : (n_windows,).
    on_epoch : called with the mean loss of each epoch.
    """
    rng = np.random.default_rng(settings.seed)
    n_batches = -(-len(windows) // settings.batch_size)
    optimizer = torch.optim.Adam(model.parameters(), settings.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=n_batches * settings.epochs
    )
    criterion = nn.BCEWithLogitsLoss()
    model.train()
    for _ in range(settings.epochs):
        total = 0.0
        for batch in np.array_split(rng.permutation(len(windows)), n_batches):
            logits = model.logits(torch.from_numpy(windows[batch, None]))[:, -1, 0]
            loss = criterion(logits, torch.from_numpy(ictal[batch].astype(np.float32)))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        on_epoch(total / n_batches)
    model.eval()
    return model
