"""The phases of a polyphase filter woven into one signal of a higher rate."""

from __future__ import annotations

from torch import Tensor
from torch.library import custom_op


def weave(x: Tensor) -> Tensor:
    """Phases (batch, L, n_chans, n_times) in turn: the signal (batch, n_chans, n_times · L)."""
    return x.permute(0, 2, 3, 1).flatten(2)


@custom_op("edgeeeg::interleave", mutates_args=())
def interleave(x: Tensor) -> Tensor:
    """`weave` as one node: as a reshape it would mix time with another axis, which no stream can."""
    return weave(x).contiguous()


@interleave.register_fake
def _(x: Tensor) -> Tensor:
    batch, phases, n_chans, n_times = x.shape
    return x.new_empty(batch, n_chans, n_times * phases)
