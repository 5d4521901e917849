"""Training of one edge detector: the loop, its settings, and the thresholds its training files give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from edgeeeg.data.bonn_segments import LabelledSegments, Task
from edgeeeg.data.windows import WindowGrid
from edgeeeg.errors import ModelError, RecordingError
from edgeeeg.evaluation.detection_scores import youden_threshold
from edgeeeg.evaluation.window_outputs import SEMANTICS, window_outputs
from edgeeeg.models.edge_detector import EdgeDetector
from edgeeeg.models.pretrained import Pretrained, detector_for
from edgeeeg.training.augmentation import Augmentation, random_crops

THREADS = 1
"""Threads of torch while it trains: with another number sums are rounded differently and weights differ."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """What a training run depends on besides its files.

    Parameters
    ----------
    epochs : passes over the files, one crop of each file a pass.
    batch_size : files in a step.
    learning_rate : largest of the one-cycle schedule.
    weight_decay : of AdamW.
    crop_seconds : lengths of a crop in s; a batch has one of them. Short ones end where a window does,
        long ones carry the state on, so that both semantics are trained.
    ignored_seconds : at a crop's start, where there is too little evidence to be judged.
    ictal_weight : of an ictal file in the loss, against 1.
    gradient_norm : largest norm of a step's gradient.
    seed : of the initial weights, the order of files and the augmentation.
    """

    epochs: int = 240
    batch_size: int = 64
    learning_rate: float = 6e-3
    weight_decay: float = 1e-2
    crop_seconds: tuple[float, ...] = (2.0, 3.0, 4.0, 8.0)
    ignored_seconds: float = 1.0
    ictal_weight: float = 2.0
    gradient_norm: float = 1.0
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1:
            raise ModelError(
                f"training: {self.epochs} epochs of batches of {self.batch_size}: use at least 1"
            )


def train_detector(
    segments: LabelledSegments,
    task: Task,
    sfreq: float,
    settings: TrainingSettings,
    on_epoch: Callable[[float], None] = lambda loss: None,
) -> Pretrained:
    """Train a detector on the given files alone, the same to the bit for the same settings and machine.

    Parameters
    ----------
    sfreq : of the segments, in Hz.
    on_epoch : called with the mean loss after each epoch.

    Raises
    ------
    RecordingError
        Where a segment is shorter than the longest crop.
    """
    _check_lengths(segments, sfreq, settings)
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            model = detector_for(task)
            _fit(model, segments, sfreq, settings, on_epoch)
            grid = WindowGrid.of_seconds(segments.samples.shape[1], sfreq)
            return Pretrained(model.eval(), _thresholds(model, segments, grid))
    finally:
        torch.use_deterministic_algorithms(deterministic)
        torch.set_num_threads(threads)


def _check_lengths(segments: LabelledSegments, sfreq: float, settings: TrainingSettings) -> None:
    longest = max(settings.crop_seconds)
    n_times = segments.samples.shape[1]
    if n_times < longest * sfreq:
        raise RecordingError(
            f"training: segments of {n_times} samples are shorter than crops of {longest} s at {sfreq} Hz; "
            "use longer segments or shorter crop_seconds"
        )


def _fit(
    model: EdgeDetector,
    segments: LabelledSegments,
    sfreq: float,
    settings: TrainingSettings,
    on_epoch: Callable[[float], None],
) -> None:
    rng = np.random.default_rng(settings.seed)
    n_files = len(segments.ictal)
    n_steps = -(-n_files // settings.batch_size)
    optimizer = torch.optim.AdamW(
        model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=n_steps * settings.epochs, pct_start=0.15
    )
    criterion = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(settings.ictal_weight))
    ignored = int(settings.ignored_seconds * sfreq) // model.hop
    model.train()
    for _ in range(settings.epochs):
        total = 0.0
        for files in np.array_split(rng.permutation(n_files), n_steps):
            n_times = int(rng.choice(settings.crop_seconds) * sfreq) // model.hop * model.hop
            crops = random_crops(
                segments.samples[files], n_times, settings.augmentation, model.input_scale, rng
            )
            logits = model.logits(torch.from_numpy(crops[:, None]))[:, ignored:, 0]
            labels = torch.from_numpy(segments.ictal[files].astype(np.float32))
            loss = criterion(logits, labels[:, None].expand_as(logits))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), settings.gradient_norm)
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        on_epoch(total / n_steps)


def _thresholds(model: EdgeDetector, segments: LabelledSegments, grid: WindowGrid) -> dict[str, float]:
    """Youden's threshold of each semantics on the training files."""
    thresholds: dict[str, float] = {}
    for semantics in SEMANTICS:
        outputs = window_outputs(model, segments.samples, grid, semantics)
        labels = np.repeat(segments.ictal, outputs.shape[1])
        thresholds[semantics] = youden_threshold(labels, outputs.ravel())
    return thresholds
