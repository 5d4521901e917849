"""Learnable rates of forgetting, bounded from below."""

from __future__ import annotations

import torch
from torch import Tensor

from edgeeeg.errors import ModelError
from edgeeeg.layers.requirements import require_finite

LONGEST = 4096.0
"""Longest time constant, in frames, unless a layer is told another: two minutes of 32 frames a second."""


def decay_rate(log_rate: Tensor, longest: float) -> Tensor:
    """Rate 1 / longest + exp(log_rate) per frame: what is remembered falls to 1/e within `longest` frames.

    exp(-rate) is then below 1 in float32 too, so that a sum over the past is at most `longest` of its terms
    however long a recording lasts; exp(-exp(log_rate)) alone is 1 below log_rate = -17.4, and its sums grow
    for ever.
    """
    return 1.0 / longest + torch.exp(log_rate)


def check_longest(layer: str, longest: float) -> None:
    """Hold a time constant to what float32 resolves.

    Raises
    ------
    ModelError
        For a time constant outside 1 to 1e5 frames, whose decay float32 knows to 1 % of its distance from 1.
    """
    require_finite(layer, longest=longest)
    if not 1 <= longest <= 1e5:
        raise ModelError(
            f"{layer}: longest is {longest} frames; a float32 decay needs a time constant of 1 to 1e5 frames"
        )
