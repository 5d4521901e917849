"""Convolutions and dense layers in integers: exact sums, one multiplication, one rounding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from brevitas import nn as brevitas_nn
from brevitas.quant import Int8WeightPerChannelFloat
from torch import Tensor, nn

from edgeeeg.quantization.activation import ActivationQuantizer
from edgeeeg.quantization.integers import HIGH, LOW, Integers, saturate

INT32 = 2.0**31 - 1


class WeightedLayer(nn.Module):
    """y = saturate(float(b + Σ w·x) · m) with int8 weights per output channel (SPEC section 8, item 3).

    S_w = max|w| / 127;  b = round(bias / (S_x · S_w));  m = S_x · S_w / S_y

    The gradient is that of the Brevitas layer on dequantized weights.

    Parameters
    ----------
    layer : a Brevitas layer; its weights have the output channels on axis 0.
    kernel : the layer's sums, kernel(x, weight) without a bias.
    axis : of the output channels in the result.
    parts : slices of output channels, each with a scale of its own; what none of them holds is left out.
    outputs : a quantizer for each part.
    """

    layer: Any  # torch takes what a module holds for any of a tensor and a module
    kernel: Callable[[Tensor, Tensor], Tensor]

    def __init__(
        self,
        layer: nn.Module,
        kernel: Callable[[Tensor, Tensor], Tensor],
        axis: int,
        parts: tuple[slice, ...],
        outputs: tuple[ActivationQuantizer, ...],
    ) -> None:
        super().__init__()
        self.layer, self.kernel, self.axis, self.parts = layer, kernel, axis, parts
        self.outputs = nn.ModuleList(outputs)

    @property
    def weight(self) -> Tensor:
        """Weights of floats, the output channels on axis 0."""
        weight: Tensor = self.layer.weight
        return weight

    def forward(self, x: Integers) -> Integers | tuple[Integers, ...]:
        """The layer's result, or its parts if there are several."""
        soft = self.kernel(x.value, self.layer.quant_weight().value)
        if isinstance(self.layer.bias, Tensor):
            soft = soft + self._along_channels(self.layer.bias, soft.ndim)
        sums, steps = self.sums(x)
        results = [
            self._part(torch.arange(soft.shape[self.axis])[part], soft, sums, steps, output)
            for part, output in zip(self.parts, self.outputs, strict=True)
        ]
        return tuple(results) if len(results) > 1 else results[0]

    def _part(
        self, channels: Tensor, soft: Tensor, sums: Tensor, steps: Tensor, output: nn.Module
    ) -> Integers:
        """Some output channels, in steps of their own."""
        assert isinstance(output, ActivationQuantizer)

        def exact(scale: Tensor) -> Tensor:
            multiplier = self._along_channels(steps[channels] / scale, sums.ndim)
            return saturate(sums.index_select(self.axis, channels) * multiplier)

        return output.in_integers(soft.index_select(self.axis, channels), exact)

    @torch.no_grad()
    def sums(self, x: Integers) -> tuple[Tensor, Tensor]:
        """b + Σ w·x as float32, and what one step of each channel's is worth, (channels,)."""
        whole, each = whole_weight(self.weight, self.finest(x.scale))
        steps = each * x.scale
        # float64 holds the sums of int32 exactly, whatever their order
        total = self.kernel(x.whole.double(), whole.double())
        if isinstance(self.layer.bias, Tensor):
            start = torch.round(self.layer.bias / steps).double()
            total = total + self._along_channels(start, total.ndim)
        return total.float(), steps

    @torch.no_grad()
    def finest(self, x_scale: Tensor) -> Tensor:
        """The finest steps of each channel's weights whose sums int32 holds, whatever x is, (channels,)."""
        rows = self.weight.detach().double().flatten(1)
        # rounding adds half a step to every weight and to the bias, and 2^-24 to the step itself
        room = INT32 + 1 + LOW * rows.shape[1] / 2 - 2.0**9
        offset = (
            abs(self.layer.bias.double()) / x_scale.double() if isinstance(self.layer.bias, Tensor) else 0.0
        )
        return (-LOW * rows.abs().sum(1) + offset) / room

    def _along_channels(self, values: Tensor, rank: int) -> Tensor:
        return values.reshape(-1, *(1,) * (rank - 1 - self.axis % rank))


def whole_weight(weight: Tensor, least: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Weights (rows, …) as integers in -127 … 127, float32, and what a step of each row is worth, (rows,).

    Parameters
    ----------
    least : below which no step may be, (rows,).
    """
    largest = weight.detach().abs().flatten(1).amax(1)
    each = torch.where(largest > 0, largest / HIGH, 1.0)
    if least is not None:
        each = torch.maximum(each.double(), least).float()
    steps = each.reshape(-1, *(1,) * (weight.ndim - 1))
    return torch.round((weight.detach() / steps).clamp(-HIGH, HIGH)), each


BREVITAS: Mapping[tuple[str, int], Callable[..., nn.Module]] = {
    ("linear", 2): brevitas_nn.QuantLinear,
    ("conv", 3): brevitas_nn.QuantConv1d,
    ("conv", 4): brevitas_nn.QuantConv2d,
    ("conv", 5): brevitas_nn.QuantConv3d,
}
"""Brevitas' layer of a kind, by the rank of its weights."""


def brevitas_layer(kind: str, weight: nn.Parameter, bias: nn.Parameter | None, groups: int = 1) -> nn.Module:
    """Brevitas' layer with int8 weights per output channel, on parameters that are there already.

    Parameters
    ----------
    kind : 'conv' or 'linear'.
    weight : (out, in) of a dense layer, (out, in / groups, …) of a convolution.
    groups : of a convolution.
    """
    options: dict[str, Any] = {"kernel_size": tuple(weight.shape[2:]), "groups": groups}
    made: Any = BREVITAS[kind, weight.ndim](
        weight.shape[1] * groups,
        weight.shape[0],
        bias=bias is not None,
        weight_quant=Int8WeightPerChannelFloat,
        **(options if kind == "conv" else {}),
    )
    made.weight, made.bias = weight, bias
    layer: nn.Module = made
    return layer
