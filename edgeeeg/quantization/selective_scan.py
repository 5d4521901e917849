"""Mamba's scan in integers, that of `edgeeeg.cells.quantized_selective_scan` (SPEC section 8, item 14)."""

from __future__ import annotations

from torch import Tensor, nn

from edgeeeg.cells.quantized_selective_scan import ScanFormat, both_scans
from edgeeeg.cells.selective_scan import ScanInput, ScanParams
from edgeeeg.quantization.activation import ActivationQuantizer
from edgeeeg.quantization.integers import Integers
from edgeeeg.quantization.state_formats import StateFormats


class SelectiveScan(nn.Module):
    """y (batch, time, d) from an empty memory; its gradient is the float scan's, to A and D too.

    Parameters
    ----------
    states : of `h`.
    output : of y.
    """

    def __init__(self, states: StateFormats, output: ActivationQuantizer) -> None:
        super().__init__()
        self.states, self.output = states, output

    def forward(
        self, u: Integers, delta: Integers, A: Tensor, B: Integers, C: Integers, D: Tensor
    ) -> Integers:
        """Integers of y."""
        width = self.states.width
        formats = ScanFormat(
            u_scale=float(u.scale.detach()),
            delta_scale=float(delta.scale.detach()),
            b_scale=float(B.scale.detach()),
            c_scale=float(C.scale.detach()),
            h_scale=width.coarsened(self.states.wish("h")),
            y_scale=float(self.output.scale().detach()),
            width=width,
        )
        x = ScanInput(u.value, delta.value, B.value, C.value)
        soft, steps, _ = both_scans(ScanParams(A, D), formats, x)
        return self.output.in_integers(soft, lambda _: steps.float())
