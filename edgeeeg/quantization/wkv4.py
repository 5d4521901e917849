"""RWKV-4's average in integers, as `edgeeeg.cells.quantized_wkv4` defines it (SPEC section 8, item 15)."""

from __future__ import annotations

from torch import Tensor, nn

from edgeeeg.cells.quantized_wkv4 import Wkv4Format, both_scans, sum_scales
from edgeeeg.cells.wkv4 import Wkv4Input, Wkv4Params
from edgeeeg.quantization.activation import ActivationQuantizer
from edgeeeg.quantization.integers import Integers
from edgeeeg.quantization.state_formats import StateFormats


class Wkv4(nn.Module):
    """y (batch, time, d) from empty sums, whose gradient is the float cell's; w and u are trained through.

    Parameters
    ----------
    states : of `num` and `den`.
    output : of y.
    """

    def __init__(self, states: StateFormats, output: ActivationQuantizer) -> None:
        super().__init__()
        self.states, self.output = states, output

    def forward(self, k: Integers, v: Integers, w: Tensor, u: Tensor) -> Integers:
        """Integers of y."""
        width = self.states.width
        k_scale, v_scale, y_scale = (float(each.detach()) for each in (k.scale, v.scale, self.output.scale()))
        sums = sum_scales(self.states.wish("num"), self.states.wish("den"), v_scale, width)
        formats = Wkv4Format(k_scale, v_scale, *sums, y_scale, width)
        soft, steps, _ = both_scans(Wkv4Params(w, u), formats, Wkv4Input(k.value, v.value))
        return self.output.in_integers(soft, lambda _: steps.float())
