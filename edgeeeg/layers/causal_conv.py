"""Strided temporal convolution that never looks ahead of the frame it computes."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from edgeeeg.errors import ModelError
from edgeeeg.layers.requirements import require_whole


class CausalConv1d(nn.Conv1d):
    """Convolution over time, (batch, channels, n_times) to (batch, out_channels, n_times / stride).

    Frame j is computed from samples up to (j + 1) · stride - 1, the last one of its own hop: the left zero
    padding is dilation · (kernel - 1) - (stride - 1) samples, and samples before the start count as 0.

    Raises
    ------
    ModelError
        For a size that is no whole number from 1, a stride longer than the kernel's reach, or n_times that is
        no multiple of the stride.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        require_whole(
            "CausalConv1d",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernel_size,
            stride=stride,
            dilation=dilation,
            groups=groups,
        )
        super().__init__(
            in_channels, out_channels, kernel_size, stride=stride, dilation=dilation, groups=groups, bias=bias
        )
        self.left_padding = dilation * (kernel_size - 1) - (stride - 1)
        if self.left_padding < 0:
            raise ModelError(
                f"CausalConv1d: stride {stride} skips samples that a kernel of {kernel_size} with dilation "
                f"{dilation} never reads; use a stride of at most {dilation * (kernel_size - 1) + 1}"
            )

    def forward(self, x: Tensor) -> Tensor:
        """Filter x (batch, channels, n_times)."""
        (stride,) = self.stride
        if x.shape[-1] % stride:
            raise ModelError(
                f"CausalConv1d: {x.shape[-1]} samples are no multiple of the stride {stride}; "
                f"crop to {x.shape[-1] // stride * stride}"
            )
        return super().forward(F.pad(x, (self.left_padding, 0)))
