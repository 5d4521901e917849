"""Any function of one tensor of integers: a table of 256 (SPEC section 8, item 4)."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from edgeeeg.floatmath import Array
from edgeeeg.quantization.activation import ActivationQuantizer
from edgeeeg.quantization.functions import ValueFunction
from edgeeeg.quantization.integers import HIGH, LOW, Integers, saturate

EVERY = np.arange(int(LOW), int(HIGH) + 1).astype(np.float32)
EVERY.setflags(write=False)


class Table(nn.Module):
    """y = T[q + 128], T[q] = saturate(f(q · S_x) / S_y): rounded once, over however many layers f spans.

    Parameters
    ----------
    function : f.
    output : of the result.
    """

    def __init__(self, function: ValueFunction, output: ActivationQuantizer) -> None:
        super().__init__()
        self.function, self.output = function, output

    def forward(self, x: Integers) -> Integers:
        """Look up."""
        values = torch.from_numpy(every_value(self.function, np.float32(x.scale.detach())))
        places = (x.whole - LOW).long()
        return self.output.in_integers(
            self.function.differentiable(x.value), lambda scale: saturate(values / scale)[places]
        )


def every_value(function: ValueFunction, scale: np.float32) -> Array:
    """What a function is at each int8 in steps of a scale, (256,) float32, in their order."""
    with np.errstate(all="ignore"):  # at integers that may never come
        return function.exact(EVERY * scale)
