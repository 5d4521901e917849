"""When a neuron fires, and what its membrane loses for it: shared by the spiking cells.

A spike is H(mem − threshold), above the threshold or at it already. A membrane is discharged
    subtract   mem − r·threshold        zero   mem − r·mem        none   mem
by r = 1 where it passed its threshold. With a delay the reset comes one step after the spike. Without one it
comes at once, and as the next step looks at the membrane again, r = spike − reset then takes back a reset
that came twice: those are snnTorch's numbers (1.0), also where the membrane was beyond twice its threshold.

References
----------
Eshraghian et al. 2023, Training spiking neural networks using lessons from deep learning, eq. 5-6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from edgeeeg.cells.step_loop import step_loop
from edgeeeg.cells.surrogate import SURROGATES, heaviside
from edgeeeg.errors import ModelError

RESETS = ("subtract", "zero", "none")
FIRES = ("above", "at")

State = TypeVar("State")


class Forced(NamedTuple):
    """Decisions of another implementation, which the state follows in place of the neurons' own."""

    spikes: Tensor  # (batch, [time,] n), of this frame
    reset: Tensor  # (batch, [time,] n), 1 where the membrane of the frame before is reset


@dataclass(frozen=True, slots=True)
class Firing:
    """How neurons fire and reset.

    Parameters
    ----------
    reset : 'subtract', 'zero' or 'none'.
    reset_delay : whether the reset comes one step after the spike.
    fires : 'above' the threshold, or 'at' it already.
    surrogate : 'arctan', 'fast_sigmoid' or 'exponential'.

    Raises
    ------
    ModelError
        For another word.
    """

    reset: str = "subtract"
    reset_delay: bool = True
    fires: str = "above"
    surrogate: str = "arctan"

    def __post_init__(self) -> None:
        for name, allowed in (("reset", RESETS), ("fires", FIRES), ("surrogate", tuple(SURROGATES))):
            value = getattr(self, name)
            if value not in allowed:
                raise ModelError(f"spiking: {name}={value!r} is not defined; use one of {', '.join(allowed)}")

    def spike(self, excess: Tensor) -> Tensor:
        """Spikes of membranes this far above their thresholds, with a surrogate gradient."""
        return heaviside(excess, self.fires == "at", self.surrogate)

    def passed(self, mem: Tensor, threshold: Tensor) -> Tensor:
        """1 where membranes (batch, n) are past their thresholds (n,); a comparison has no gradient."""
        past = mem >= threshold if self.fires == "at" else mem > threshold
        return past.to(mem.dtype)

    def discharge(self, mem: Tensor, by: Tensor, threshold: Tensor) -> Tensor:
        """Membranes (batch, n) after a reset of `by` (batch, n): 1 to reset, -1 to take a reset back."""
        if self.reset == "subtract":
            return mem - by * threshold
        return mem - by * mem if self.reset == "zero" else mem

    def settle(self, mem: Tensor, reset: Tensor, threshold: Tensor, forced: Forced | None) -> Tensor:
        """Membranes (batch, n) as they are kept: those that the decision was taken on, or reset at once."""
        if self.reset_delay or self.reset == "none":
            return mem
        spikes = self.spike(mem - threshold) if forced is None else forced.spikes
        return self.discharge(mem, spikes - reset, threshold)


SNNTORCH = Firing()
"""The defaults of snnTorch's neurons."""


class _Driven(NamedTuple):
    """Input and forced decisions side by side, with a time axis and then frame by frame."""

    x: Tensor  # (batch, [time,] n)
    forced: Tensor  # (batch, [time,] 2, n), spikes and reset


def walk(
    advance: Callable[[Tensor, State, Forced | None], tuple[Tensor, State]],
    x: Tensor,
    state: State,
    forced: Forced | None = None,
) -> tuple[Tensor, State]:
    """Advance through x (batch, time, n): excess over the threshold (batch, time, n) and the last state."""
    if forced is None:
        return step_loop(lambda _, x_t, before: advance(x_t, before, None), None, x, state)
    return step_loop(
        lambda _, t, before: advance(t.x, before, Forced(*t.forced.unbind(1))),
        None,
        _Driven(x, torch.stack(forced, dim=2)),
        state,
    )


def check_shapes(cell: str, n: int, x: Tensor, forced: Forced | None) -> None:
    """Raise ModelError unless x, and what is forced, are (batch, time, n)."""
    if x.ndim != 3 or x.shape[-1] != n:
        raise ModelError(f"{cell}: input of shape {tuple(x.shape)}, expected (batch, time, {n})")
    for name, value in zip(Forced._fields, forced or (), strict=False):
        if value.shape != x.shape:
            raise ModelError(
                f"{cell}: forced {name} {tuple(value.shape)}, expected the input's {tuple(x.shape)}"
            )
