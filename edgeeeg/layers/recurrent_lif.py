"""Spiking layer of LIF neurons whose spikes come back to them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgeeeg.cells import recurrent_lif
from edgeeeg.cells.firing import Firing
from edgeeeg.errors import ModelError
from edgeeeg.layers.spiking_layer import SpikingLayer, Values


class RecurrentLif(SpikingLayer):
    """LIF neurons that hear each other's last spikes, (batch, time, n) to spikes (batch, time, n).

    The semantics are those of `edgeeeg.cells.recurrent_lif`, which are `snntorch.RLeaky`'s; `recurrent` and
    `V` are called as there.

    Parameters
    ----------
    n : neurons.
    beta, threshold : as in `Lif`.
    V : with `all_to_all=False`, what each neuron's spike adds to its own input: one for all, or (n,);
        1 unless given.
    all_to_all : every neuron to every one, through the dense layer `recurrent`; or each to itself alone,
        which costs as much when it runs.
    learn_beta, learn_threshold, learn_recurrent : whether training changes them.
    reset_mechanism, reset_delay, fires, surrogate : as in `Lif`.

    Raises
    ------
    ModelError
        For an n that is no whole number from 1, values that are not finite or not one per neuron, a decay
        outside [0, 1], a word that is not defined, or a V that all_to_all would ignore.
    """

    def __init__(
        self,
        n: int,
        beta: Values = (0.2, 0.95),
        threshold: Values = (0.2, 2.0),
        V: float | Tensor | None = None,
        *,
        all_to_all: bool = True,
        learn_beta: bool = True,
        learn_threshold: bool = True,
        learn_recurrent: bool = True,
        reset_mechanism: str = "subtract",
        reset_delay: bool = True,
        fires: str = "above",
        surrogate: str = "arctan",
    ) -> None:
        super().__init__(n, Firing(reset_mechanism, reset_delay, fires, surrogate))
        self.add_decay("beta", beta, learn_beta)
        self.add_level("threshold", threshold, learn_threshold)
        self.all_to_all = all_to_all
        if all_to_all:
            if V is not None:
                raise ModelError(
                    "RecurrentLif: V has no effect with all_to_all=True, whose weights are those of "
                    "`recurrent`; leave it out, or use all_to_all=False"
                )
            self.recurrent = nn.Linear(n, n).requires_grad_(learn_recurrent)
        else:
            self.add_level("V", 1.0 if V is None else V, learn_recurrent)

    @property
    def params(self) -> recurrent_lif.RecurrentLifParams:
        """Decay, threshold and bias (n,) and V (n, n) as the cell takes them."""
        decay, threshold = self.decay("beta"), self.level("threshold")
        if self.all_to_all:
            weight, bias = self.recurrent.weight, self.recurrent.bias
            return recurrent_lif.RecurrentLifParams(decay, threshold, weight, bias)
        each = self.level("V")
        diagonal = each * torch.eye(self.n, dtype=each.dtype, device=each.device)
        return recurrent_lif.RecurrentLifParams(decay, threshold, diagonal, each.new_zeros(self.n))

    def forward(self, x: Tensor) -> Tensor:
        """Spikes of x from rest."""
        if torch.compiler.is_exporting():
            firing = self.firing
            spikes: Tensor = recurrent_lif.recurrent_lif(
                x, *self.params, firing.reset, firing.reset_delay, firing.fires
            )
            return spikes
        return recurrent_lif.scan(self.params, x, firing=self.firing)[0]
