"""In what steps a recurrence carries a state, as a torch operator behind it: what a frozen model says of it.

A state is no tensor of a program, so nothing there can be rounded in its place.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.library import custom_op


@custom_op("edgeeeg::state_in_steps", mutates_args=())
def state_in_steps(y: Tensor, state: str, width: str, scale: float) -> Tensor:
    """The result y of a recurrence as it is.

    Parameters
    ----------
    state : name of a state, as in the cell's named tuple.
    width : its integers, a name of `edgeeeg.cells.state_width.WIDTHS`.
    scale : what one of as many steps as the width has is worth; the cell's rules may make it coarser.
    """
    return y.clone()


@state_in_steps.register_fake
def _(y: Tensor, state: str, width: str, scale: float) -> Tensor:
    return torch.empty_like(y)


STATE_IN_STEPS = torch.ops.edgeeeg.state_in_steps.default
"""As a node of a program calls it."""
