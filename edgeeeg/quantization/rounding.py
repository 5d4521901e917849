"""Rounding to steps as a torch operator: what a frozen model leaves in an exported program.

An exporter makes each a pair of ONNX's QuantizeLinear and DequantizeLinear.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.library import custom_op

from edgeeeg.quantization.integers import saturate


@custom_op("edgeeeg::round_to_steps", mutates_args=())
def round_to_steps(x: Tensor, scale: Tensor, axis: int) -> Tensor:
    """saturate(x / scale) · scale, int8.

    Parameters
    ----------
    scale : what one step is worth, () or one for each index on `axis`.
    axis : of the steps, if there are several.
    """
    steps = scale.reshape(-1, *(1,) * (x.ndim - 1 - axis)) if scale.ndim else scale
    return saturate(x / steps) * steps


@round_to_steps.register_fake
def _(x: Tensor, scale: Tensor, axis: int) -> Tensor:
    return torch.empty_like(x)


ROUND_TO_STEPS = torch.ops.edgeeeg.round_to_steps.default
"""As a node of a program calls it."""
