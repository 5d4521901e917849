"""Tensors of integers while a model is trained: what they are worth, and what one step of them is worth."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from edgeeeg.cells.state_width import RESULTS

LOW, HIGH = map(float, RESULTS["int8"])


class Integers(NamedTuple):
    """int8 values as the floats they stand for: value = scale · q, each a float32."""

    value: Tensor
    scale: Tensor  # ()

    @property
    def whole(self) -> Tensor:
        """The integers q as float32: a product and a quotient, each rounded once, do not leave |q| < 2^15."""
        return torch.round(self.value.detach() / self.scale.detach())


def saturate(value: Tensor) -> Tensor:
    """int8 next to float32 values as float32, ties to even (SPEC section 8, item 2)."""
    return torch.round(value.clamp(LOW, HIGH))
