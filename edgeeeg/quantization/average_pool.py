"""Average pools in integers: a sum of each channel and one multiplication (SPEC section 8, item 3)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from edgeeeg.quantization.activation import ActivationQuantizer
from edgeeeg.quantization.integers import Integers, saturate


class AveragePool(nn.Module):
    """y = saturate(float(Σ x) · m), m = S_x / S_y / count, padding counted.

    Parameters
    ----------
    pool : the mean over each window, of floats.
    count : elements of a window.
    output : of the result.
    """

    def __init__(self, pool: Callable[[Tensor], Tensor], count: int, output: ActivationQuantizer) -> None:
        super().__init__()
        self.pool, self.count, self.output = pool, count, output

    def forward(self, x: Integers) -> Integers:
        """Sums, one multiplication, one rounding."""
        return self.output.in_integers(
            self.pool(x.value),
            # a mean in float64, times what it was divided by, is next to its whole sum
            lambda scale: saturate(
                torch.round(self.pool(x.whole.double()) * self.count).float() * (x.scale / scale / self.count)
            ),
        )
