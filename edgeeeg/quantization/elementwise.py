"""Sums and products of tensors of integers, each rounded once, and products with a number, which are not."""

from __future__ import annotations

import numpy as np
from torch import nn

from edgeeeg.cells.straight_through import straight_through
from edgeeeg.quantization.activation import ActivationQuantizer
from edgeeeg.quantization.integers import Integers, saturate


class Sum(nn.Module):
    """y = saturate(a·l + b·r), a = S_l / S_y, b = S_r / S_y, of two tensors that broadcast."""

    def __init__(self, output: ActivationQuantizer) -> None:
        super().__init__()
        self.output = output

    def forward(self, left: Integers, right: Integers) -> Integers:
        """Two multiplications, one addition, one rounding."""
        return self.output.in_integers(
            left.value + right.value,
            lambda scale: saturate(left.whole * (left.scale / scale) + right.whole * (right.scale / scale)),
        )


class Difference(nn.Module):
    """y = saturate(a·l - b·r), a = S_l / S_y, b = S_r / S_y, of two tensors that broadcast."""

    def __init__(self, output: ActivationQuantizer) -> None:
        super().__init__()
        self.output = output

    def forward(self, left: Integers, right: Integers) -> Integers:
        """Two multiplications, one subtraction, one rounding."""
        return self.output.in_integers(
            left.value - right.value,
            lambda scale: saturate(left.whole * (left.scale / scale) - right.whole * (right.scale / scale)),
        )


class Product(nn.Module):
    """y = saturate(float(l·r) · m), m = S_l · S_r / S_y, of two tensors that broadcast."""

    def __init__(self, output: ActivationQuantizer) -> None:
        super().__init__()
        self.output = output

    def forward(self, left: Integers, right: Integers) -> Integers:
        """A product of integers, which float32 holds, one multiplication, one rounding."""
        return self.output.in_integers(
            left.value * right.value,
            lambda scale: saturate((left.whole * right.whole) * (left.scale * right.scale / scale)),
        )


class Rescaling(nn.Module):
    """The same integers, each worth as much more: a product with a positive number.

    Parameters
    ----------
    factor : above 0.
    """

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = float(np.float32(factor))

    def forward(self, x: Integers) -> Integers:
        """Other steps."""
        scale = x.scale * self.factor
        return Integers(straight_through(x.whole * scale.detach(), x.value * self.factor), scale)
