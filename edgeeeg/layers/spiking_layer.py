"""What spiking layers have in common: decays and thresholds, learned or fixed, for each neuron or for all."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from edgeeeg.cells.firing import Firing
from edgeeeg.errors import ModelError

Values = float | tuple[float, float] | Tensor
"""One value for all neurons; the lowest and highest of values spread over them; or each neuron's, (n,)."""


class SpikingLayer(nn.Module):
    """Holds n neurons' parameters under the names of the papers; a decay that is learned stays within (0, 1).

    Raises
    ------
    ModelError
        For values that are not one per neuron, or a decay outside [0, 1].
    """

    def __init__(self, n: int, firing: Firing) -> None:
        super().__init__()
        self.n, self.firing = n, firing

    def add_decay(self, name: str, value: Values, learn: bool) -> None:
        """Keep a decay, spread evenly and in random order: as its logit where it is learned."""
        if isinstance(value, tuple):
            start = torch.linspace(*value, self.n)[torch.randperm(self.n)]
        else:
            start = self._each(name, value)
        if not ((start >= 0) & (start <= 1)).all():
            raise ModelError(f"{type(self).__name__}: {name} must lie within [0, 1], not {value}")
        if not learn:
            self.register_buffer(name, start)
        elif ((start > 0) & (start < 1)).all():
            self.register_parameter(f"{name}_logit", nn.Parameter(torch.logit(start)))
        else:
            raise ModelError(
                f"{type(self).__name__}: a learned {name} must lie within (0, 1), not {value}; "
                f"use learn_{name}=False"
            )

    def decay(self, name: str) -> Tensor:
        """A decay of each neuron, (n,)."""
        fixed = getattr(self, name, None)
        value = torch.sigmoid(getattr(self, f"{name}_logit")) if fixed is None else fixed
        return value.expand(self.n)

    def add_level(self, name: str, value: Values, learn: bool) -> None:
        """Keep values of any size, spread evenly in logarithm."""
        if isinstance(value, tuple):
            if min(value) <= 0.0:
                raise ModelError(f"{type(self).__name__}: {name} can only be spread over positive values")
            start = torch.logspace(math.log10(value[0]), math.log10(value[1]), self.n)
        else:
            start = self._each(name, value)
        if learn:
            self.register_parameter(name, nn.Parameter(start))
        else:
            self.register_buffer(name, start)

    def level(self, name: str) -> Tensor:
        """A level of each neuron, (n,)."""
        value: Tensor = getattr(self, name)
        return value.expand(self.n)

    def _each(self, name: str, value: float | Tensor) -> Tensor:
        start = torch.as_tensor(value, dtype=torch.get_default_dtype()).detach().clone()
        if start.shape not in ((), (1,), (self.n,)):
            raise ModelError(
                f"{type(self).__name__}: {name} has shape {tuple(start.shape)}, expected one value or "
                f"({self.n},)"
            )
        return start
