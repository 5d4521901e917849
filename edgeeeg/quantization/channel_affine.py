"""Products and sums with constants of each channel, rounded once (`QuantizedAffine`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from edgeeeg.quantization.activation import ActivationQuantizer
from edgeeeg.quantization.integers import Integers, saturate

aten = torch.ops.aten

GAIN_AND_OFFSET: Mapping[tuple[Any, bool], Callable[[Tensor], tuple[Tensor, Tensor]]] = MappingProxyType(
    {
        (aten.add.Tensor, False): lambda value: (torch.ones(()), value),
        (aten.add.Tensor, True): lambda value: (torch.ones(()), value),
        (aten.sub.Tensor, False): lambda value: (torch.ones(()), -value),
        (aten.sub.Tensor, True): lambda value: (-torch.ones(()), value),
        (aten.mul.Tensor, False): lambda value: (value, torch.zeros(())),
        (aten.mul.Tensor, True): lambda value: (value, torch.zeros(())),
        (aten.div.Tensor, False): lambda value: (torch.ones(()) / value, torch.zeros(())),
    }
)
"""Gain and offset of an operator with a constant, which may be its first operand."""


class ChannelAffine(nn.Module):
    """y = saturate(x · m + a), m = gain · (S_x / S_y), a = offset / S_y, in float32; the constant is trained.

    Parameters
    ----------
    operator : sum, difference, product or quotient of torch.
    constant_first : whether the constant is its first operand.
    output : of the result.
    """

    def __init__(self, operator: Any, constant_first: bool, output: ActivationQuantizer) -> None:
        super().__init__()
        self.operator, self.constant_first, self.output = operator, constant_first, output

    def forward(self, x: Integers, value: Tensor) -> Integers:
        """One multiplication, one addition, one rounding."""
        operands = (value, x.value) if self.constant_first else (x.value, value)
        gain, offset = GAIN_AND_OFFSET[self.operator, self.constant_first](value.detach())
        return self.output.in_integers(
            self.operator(*operands),
            lambda scale: saturate(x.whole * (gain * (x.scale / scale)) + offset / scale),
        )
