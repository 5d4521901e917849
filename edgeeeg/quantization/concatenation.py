"""Concatenation of integers: every operand in the steps of the coarsest (SPEC section 8, item 6)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgeeeg.cells.straight_through import straight_through
from edgeeeg.quantization.integers import Integers, saturate


class Concatenation(nn.Module):
    """Operands beside one another on an axis, rounded once where their steps are finer than the coarsest.

    Parameters
    ----------
    axis : on which they are joined.
    """

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, *operands: Integers) -> Integers:
        """Join, in the largest of their scales."""
        scale = max((operand.scale for operand in operands), key=Tensor.item)
        return Integers(torch.cat([_in_steps(operand, scale) for operand in operands], self.axis), scale)


def _in_steps(operand: Integers, scale: Tensor) -> Tensor:
    """Values of an operand in steps of another scale; those that have it already stay."""
    if torch.equal(operand.scale, scale):
        return operand.value
    rounded = saturate(operand.whole * (operand.scale / scale).detach()) * scale.detach()
    return straight_through(rounded, operand.value)
