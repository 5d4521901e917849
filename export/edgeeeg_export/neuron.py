"""A layer of spiking neurons as data: what snnTorch layers, NIR nodes and the cells here have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

KINDS = ("Leaky", "Synaptic", "RLeaky")
"""By the names of snnTorch: the cells `lif`, `synaptic` and `recurrent_lif`."""


@dataclass(frozen=True, slots=True)
class Neuron:
    """The semantics of one layer, in the words of `edgeeeg.cells.firing`.

    Parameters have the shapes in which the layer broadcasts them.

    `path` is what messages call it. `alpha` is the decay of a Synaptic's current. `V` of an RLeaky is a
    matrix (n, n) with `bias` (n,), or what multiplies each neuron's own spike. `returns_states` says that an
    snnTorch layer gives its states beside its spikes.
    """

    path: str
    kind: str
    beta: Tensor
    threshold: Tensor
    reset: str
    reset_delay: bool
    fires: str
    alpha: Tensor | None = None
    V: Tensor | None = None
    bias: Tensor | None = None
    returns_states: bool = False
