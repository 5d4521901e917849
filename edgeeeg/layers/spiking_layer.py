"""What spiking layers have in common: decays and thresholds, learned or fixed, for each neuron or for all."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from edgeeeg.cells.firing import Firing
from edgeeeg.errors import ModelError
from edgeeeg.layers.requirements import require_finite, require_whole

Values = float | tuple[float, float] | Tensor
"""One value for all neurons; the lowest and highest of values spread over them; or each neuron's, (n,)."""


class SpikingLayer(nn.Module):
    """Holds n neurons' parameters under the names of the papers; a decay that is learned stays within (0, 1).

    Raises
    ------
    ModelError
        For a number of neurons that is not whole or below 1, values that are not finite or not one per
        neuron, or a decay outside [0, 1].
    """

    def __init__(self, n: int, firing: Firing) -> None:
        super().__init__()
        require_whole(type(self).__name__, n=n)
        self.n, self.firing = n, firing

    def add_decay(self, name: str, value: Values, learn: bool) -> None:
        """Keep a decay, spread evenly and in random order: as its logit where it is learned."""
        if isinstance(value, tuple):
            start = torch.linspace(*self._ends(name, value), self.n)[torch.randperm(self.n)]
        else:
            start = self._each(name, value)
        outside = start[(start < 0) | (start > 1)]
        if outside.numel():
            raise ModelError(f"{type(self).__name__}: {name} must lie within [0, 1], not {outside[0]:g}")
        ends = start[(start == 0) | (start == 1)]
        if not learn:
            self.register_buffer(name, start)
        elif ends.numel():
            raise ModelError(
                f"{type(self).__name__}: a learned {name} must lie within (0, 1), not {ends[0]:g}; "
                f"use learn_{name}=False"
            )
        else:
            self.register_parameter(f"{name}_logit", nn.Parameter(torch.logit(start)))

    def decay(self, name: str) -> Tensor:
        """A decay of each neuron, (n,)."""
        fixed = getattr(self, name, None)
        value = torch.sigmoid(getattr(self, f"{name}_logit")) if fixed is None else fixed
        return value.expand(self.n)

    def add_level(self, name: str, value: Values, learn: bool, least: float = -math.inf) -> None:
        """Keep finite values from `least`, spread evenly in logarithm."""
        if isinstance(value, tuple):
            lowest, highest = self._ends(name, value)
            if min(lowest, highest) <= 0.0:
                raise ModelError(f"{type(self).__name__}: {name} can only be spread over positive values")
            start = torch.logspace(math.log10(lowest), math.log10(highest), self.n)
        else:
            start = self._each(name, value)
        below = start[start < least]
        if below.numel():
            raise ModelError(f"{type(self).__name__}: {name} is {below[0]:g}; it must be at least {least:g}")
        if learn:
            self.register_parameter(name, nn.Parameter(start))
        else:
            self.register_buffer(name, start)

    def level(self, name: str) -> Tensor:
        """A level of each neuron, (n,)."""
        value: Tensor = getattr(self, name)
        return value.expand(self.n)

    def _ends(self, name: str, value: tuple[float, float]) -> tuple[float, float]:
        layer = type(self).__name__
        if len(value) != 2:
            raise ModelError(f"{layer}: {name} is {value!r}; give the lowest and the highest of its values")
        require_finite(layer, **{f"{name}[0]": value[0], f"{name}[1]": value[1]})
        return value

    def _each(self, name: str, value: float | Tensor) -> Tensor:
        try:
            start = torch.as_tensor(value, dtype=torch.get_default_dtype()).detach().clone()
        except (TypeError, ValueError, RuntimeError) as error:  # each of them, by what is no number
            raise ModelError(
                f"{type(self).__name__}: {name} is {value!r}; give one number, the pair (lowest, highest), "
                f"or a tensor ({self.n},)"
            ) from error
        if start.shape not in ((), (1,), (self.n,)):
            raise ModelError(
                f"{type(self).__name__}: {name} has shape {tuple(start.shape)}, expected one value or "
                f"({self.n},)"
            )
        unfit = start[~start.isfinite()]
        if unfit.numel():
            raise ModelError(f"{type(self).__name__}: {name} holds {unfit[0]:g}; its values must be finite")
        return start
