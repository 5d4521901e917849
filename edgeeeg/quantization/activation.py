"""int8 activations per tensor, symmetric, with a scale that is learned: Brevitas' quantizer."""

from __future__ import annotations

from collections.abc import Callable

import torch
from brevitas import nn as brevitas_nn
from brevitas.quant import Int8ActPerTensorFloat
from torch import Tensor, nn

from edgeeeg.cells.straight_through import straight_through
from edgeeeg.errors import ModelError
from edgeeeg.quantization.integers import HIGH, LOW, Integers


class ActivationQuantizer(nn.Module):
    """q = saturate(x / scale) in steps of a learned scale, from floats of any shape.

    Parameters
    ----------
    limit : magnitude that the largest integer, 127, is worth at the start.

    Raises
    ------
    ModelError
        For a limit that is not above 0.

    References
    ----------
    Esser et al. 2020, Learned step size quantization, ICLR, arXiv 1902.08153.
    """

    def __init__(self, limit: float) -> None:
        super().__init__()
        if not 0.0 < limit < float("inf"):
            raise ModelError(f"activation range of {limit}: it must be above 0 and finite; calibrate again")
        # Brevitas counts the steps of signed integers down to -128
        self.rounding = brevitas_nn.QuantIdentity(
            act_quant=Int8ActPerTensorFloat,
            scaling_impl_type="parameter",
            scaling_init=limit * -LOW / HIGH,
            return_quant_tensor=True,
        )

    def forward(self, x: Tensor) -> Integers:
        """Round floats."""
        rounded = self.rounding(x)
        return Integers(rounded.value, rounded.scale)

    def scale(self) -> Tensor:
        """What one step is worth, ()."""
        scale: Tensor = self(torch.zeros(())).scale
        return scale

    def in_integers(self, differentiable: Tensor, exact: Callable[[Tensor], Tensor]) -> Integers:
        """The integers that a layer computes, with the gradient of its dequantized arithmetic.

        Parameters
        ----------
        differentiable : the layer's result from dequantized operands.
        exact : the integers, as float32, from what one step of them is worth.
        """
        rounded = self(differentiable)
        with torch.no_grad():
            value = exact(rounded.scale) * rounded.scale
        return Integers(straight_through(value, rounded.value), rounded.scale)
