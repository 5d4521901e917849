"""Sums and products of two tensors of integers, each rounded once (SPEC section 8, item 5)."""

from __future__ import annotations

from torch import nn

from edgeeeg.quantization.activation import ActivationQuantizer
from edgeeeg.quantization.integers import Integers, saturate


class Sum(nn.Module):
    """y = saturate(a·l + b·r), a = S_l / S_y, b = S_r / S_y, of two tensors of one shape."""

    def __init__(self, output: ActivationQuantizer) -> None:
        super().__init__()
        self.output = output

    def forward(self, left: Integers, right: Integers) -> Integers:
        """Two multiplications, one addition, one rounding."""
        return self.output.in_integers(
            left.value + right.value,
            lambda scale: saturate(left.whole * (left.scale / scale) + right.whole * (right.scale / scale)),
        )


class Product(nn.Module):
    """y = saturate(float(l·r) · m), m = S_l · S_r / S_y, of two tensors of one shape."""

    def __init__(self, output: ActivationQuantizer) -> None:
        super().__init__()
        self.output = output

    def forward(self, left: Integers, right: Integers) -> Integers:
        """A product of integers, which float32 holds, one multiplication, one rounding."""
        return self.output.in_integers(
            left.value * right.value,
            lambda scale: saturate((left.whole * right.whole) * (left.scale * right.scale / scale)),
        )
