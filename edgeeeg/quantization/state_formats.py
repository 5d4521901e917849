"""Widths of a recurrence's states in training, and what their steps would be worth at full range."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from edgeeeg.calibration_rule import HEADROOM
from edgeeeg.cells.state_width import StateWidth


class StateFormats(nn.Module):
    """Scales of states, which are not learned: no gradient says how far a state may still go.

    Parameters
    ----------
    width : of all of them.
    largest : magnitude of each state on the recordings, by its name.
    """

    def __init__(self, width: StateWidth, largest: Mapping[str, float]) -> None:
        super().__init__()
        self.width, self.names = width, tuple(largest)
        for name, magnitude in largest.items():
            self.register_buffer(name, torch.tensor(HEADROOM * magnitude / width.high, dtype=torch.float32))

    def wish(self, name: str) -> float:
        """What a step of a state would be worth at full range."""
        scale: Tensor = getattr(self, name)
        return float(scale)

    def wishes(self) -> Iterator[tuple[str, float]]:
        """The same of every state, by its name."""
        return ((name, self.wish(name)) for name in self.names)
