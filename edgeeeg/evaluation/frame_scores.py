"""A user's module as a detector that gives one score a hop, and for how long it remembers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgeeeg.errors import EdgeEEGError, ModelError

PROBE_TIMES = 1440
"""Samples of a probing pass where the module states no hop: divisible by nearly every usual stride."""

FORGOTTEN = 1e-6
"""A change of the output below this part of its range moves no decision."""

AHEAD = 1e-3
"""The same for looking ahead: above the rounding of passes of two lengths."""


class FrameScores(nn.Module):
    """Any causal module (batch, 1, n_times) with one score a frame, as (batch, n_frames, 1).

    The axis of the frames and the hop are found by running it on two lengths.

    Parameters
    ----------
    module : its output, or the first of several, has one score for each frame, on any axis.
    amplitude : standard deviation of the noise it is probed with, in its input's unit.

    Raises
    ------
    ModelError
        If it takes several channels, gives no output for each frame, gives several scores, or looks ahead.
    """

    def __init__(self, module: nn.Module, amplitude: float = 1.0) -> None:
        super().__init__()
        n_chans = getattr(module, "n_chans", 1)
        if n_chans != 1:
            raise ModelError(
                f"audit: the model takes {n_chans} channels, the data have 1; audit one of 1 channel"
            )
        self.module = module.eval()
        stated = getattr(module, "hop", None)
        if stated is not None and (not isinstance(stated, int) or stated < 1):
            raise ModelError(f"audit: the model's hop is {stated!r}; it must be a whole number from 1")
        short = PROBE_TIMES if stated is None else -(-PROBE_TIMES // stated) * stated
        drawn = np.random.default_rng(0).normal(0.0, amplitude, (1, 1, 2 * short))
        noise = torch.from_numpy(drawn.astype(np.float32))
        with torch.no_grad():
            one, two = (self._call(noise[..., :n_times]) for n_times in (short, 2 * short))
        self.axis = _frame_axis(one, two)
        frames = one.shape[self.axis]
        grown = two.shape[self.axis] - frames
        if one.numel() != frames:
            raise ModelError(
                f"audit: an output of shape {tuple(one.shape)} has {one.numel() // frames} scores a frame; "
                "return one alone, such as the probability of a seizure"
            )
        if short % grown or grown != frames:
            raise ModelError(
                f"audit: {short} samples give {frames} frames and {2 * short} give {frames + grown}: frames "
                "must be a whole number of samples apart from the first on; pad on the left, as CausalConv1d"
            )
        self.hop = short // frames
        _refuse_looking_ahead(one.flatten(), two.flatten()[:frames])

    def forward(self, x: Tensor) -> Tensor:
        """Scores (batch, n_frames, 1) of x (batch, 1, n_times)."""
        return self._call(x).movedim(self.axis, 1).reshape(len(x), -1, 1)

    def _call(self, x: Tensor) -> Tensor:
        name = type(self.module).__name__
        try:
            outputs = self.module(x)
        except EdgeEEGError:
            raise
        except Exception as error:  # whatever the user's own module raises
            reason = " ".join(str(error).split())
            raise ModelError(
                f"audit: {name} failed on {tuple(x.shape)} with {type(error).__name__}: {reason}; it must "
                "take (batch, 1, n_times) of any number of hops: state its hop as the attribute `hop`"
            ) from error
        first = outputs[0] if isinstance(outputs, (tuple, list)) and outputs else outputs
        if not isinstance(first, Tensor):
            raise ModelError(
                f"audit: {name} returns a {type(first).__name__}; return the tensor of its scores"
            )
        return first


@dataclass(frozen=True, slots=True)
class Memory:
    """For how long a change of the input still changes the output.

    Parameters
    ----------
    seconds : from the end of what was changed to the last output that differs.
    lasting : whether outputs still differed where the probe ended, so that `seconds` is a lower bound.
    """

    seconds: float
    lasting: bool

    def within(self, seconds: float) -> bool:
        """Whether everything is forgotten after so long."""
        return not self.lasting and self.seconds <= seconds


def measure_memory(
    model: FrameScores, stream: NDArray[np.float32], other: NDArray[np.float32], sfreq: float
) -> Memory:
    """Run one stream twice, the second time with another beginning, and see when both agree for good.

    Parameters
    ----------
    stream : (n_times,).
    other : what the stream begins with the second time, shorter than it.
    """
    n_times = len(stream) // model.hop * model.hop
    changed = np.concatenate([other, stream[len(other) :]])
    with torch.no_grad():
        one, two = (
            model(torch.from_numpy(np.array(samples[None, None, :n_times])))[0, :, 0].numpy()
            for samples in (stream, changed)
        )
    scale = max(float(np.ptp(one)), float(np.ptp(two)))
    differing = np.flatnonzero(~(np.abs(one - two) <= FORGOTTEN * scale))
    last = (int(differing[-1]) + 1) * model.hop if len(differing) else 0
    return Memory(max(0, last - len(other)) / sfreq, lasting=last == n_times)


def _frame_axis(one: Tensor, two: Tensor) -> int:
    axes = [axis for axis in range(1, one.ndim) if one.shape[axis] != two.shape[axis]]
    if one.ndim != two.ndim or len(axes) != 1:
        raise ModelError(
            f"audit: outputs of shape {tuple(one.shape)} for one stretch and {tuple(two.shape)} for twice "
            "its length have no axis of frames: return the output of every frame, not of the last alone"
        )
    return axes[0]


def _refuse_looking_ahead(alone: Tensor, followed: Tensor) -> None:
    scale = max(float(followed.max() - followed.min()), torch.finfo(torch.float32).tiny)
    worst = float((alone - followed).abs().max())
    if not worst <= AHEAD * scale:
        raise ModelError(
            f"audit: what follows a frame changes its score by {worst:.2g}: the model looks ahead or needs "
            "its whole window, so its state cannot be carried; make it causal (edgeeeg.layers.CausalConv1d)"
        )
