"""Means over axes in integers: an exact sum and one multiplication (SPEC section 8, item 3, of a pool)."""

from __future__ import annotations

import math

from torch import nn

from edgeeeg.quantization.activation import ActivationQuantizer
from edgeeeg.quantization.integers import Integers, saturate


class Mean(nn.Module):
    """y = saturate(float(Σ x) · m), m = S_x / S_y / count.

    Parameters
    ----------
    axes : over which elements are summed.
    keepdim : whether these axes stay, of one element each.
    output : of the result.
    """

    def __init__(self, axes: tuple[int, ...], keepdim: bool, output: ActivationQuantizer) -> None:
        super().__init__()
        self.axes, self.keepdim, self.output = axes, keepdim, output

    def forward(self, x: Integers) -> Integers:
        """A sum that int32 holds, one multiplication, one rounding."""
        count = math.prod(x.value.shape[axis] for axis in self.axes)
        total = x.whole.double().sum(self.axes, self.keepdim).float()
        return self.output.in_integers(
            x.value.mean(self.axes, self.keepdim),
            lambda scale: saturate(total * (x.scale / scale / count)),
        )
