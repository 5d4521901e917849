"""Seeded parameters, inputs and states of the linear recurrences, for what must hold of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from edgeeeg.cells import linear_attention, s4d, selective_scan, wkv4, wkv6

D, N, HEADS = 6, 3, 2
CELLS = ("selective_scan", "s4d", "wkv4", "wkv6", "linear_attention")


@dataclass(frozen=True, slots=True)
class Case:
    """A cell with parameters, an input (batch, time, ...), and a state that has seen something."""

    cell: ModuleType
    params: Any
    x: Any
    state: Any

    def parts(self) -> tuple[Tensor, ...]:
        """The input's tensors."""
        return (self.x,) if isinstance(self.x, Tensor) else tuple(self.x)

    def inputs(self, parts: tuple[Tensor, ...]) -> Any:
        """An input of these tensors."""
        return parts[0] if isinstance(self.x, Tensor) else type(self.x)(*parts)

    def between(self, start: int, stop: int) -> Any:
        """The input's frames from start to stop."""
        return self.inputs(tuple(part[:, start:stop] for part in self.parts()))

    def initial_state(self) -> Any:
        """The cell's state before anything."""
        batch = self.parts()[0].shape[0]
        if self.cell is wkv6:
            return wkv6.init_state(batch, self.params, self.x.v.shape[-1])
        if self.cell is linear_attention:
            return linear_attention.init_state(batch, self.params, self.x)
        return self.cell.init_state(batch, self.params)

    def operator(self) -> Any:
        """The exported program's node."""
        return getattr(torch.ops.edgeeeg, self.cell.__name__.rpartition(".")[2]).default

    def operands(self) -> tuple[Tensor, ...]:
        """What the node takes, in its order."""
        if self.cell is selective_scan:
            return (*self.x[:2], self.params.A, *self.x[2:], self.params.D)
        return (*self.parts(), *self.params)


def case(name: str, time: int, batch: int = 2, dtype: torch.dtype = torch.float64, seed: int = 0) -> Case:
    """The named cell on normally distributed inputs."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=dtype)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=dtype)

    def frames(width: int) -> Tensor:
        return normal(batch, time, width)

    if name == "selective_scan":
        return Case(
            selective_scan,
            selective_scan.ScanParams(-3 * uniform(D, N), normal(D)),
            selective_scan.ScanInput(frames(D), frames(D).exp() * 0.1, frames(N), frames(N)),
            selective_scan.ScanState(normal(batch, D, N)),
        )
    if name == "s4d":
        decay, angle = torch.exp(-uniform(D, N) * 0.3), 3 * normal(D, N)
        return Case(
            s4d,
            s4d.S4dParams(decay * angle.cos(), decay * angle.sin(), normal(D, N), normal(D, N), normal(D)),
            frames(D),
            s4d.S4dState(normal(batch, D, N), normal(batch, D, N)),
        )
    if name == "wkv4":
        return Case(
            wkv4,
            wkv4.Wkv4Params(uniform(D) + 0.01, normal(D)),
            wkv4.Wkv4Input(3 * frames(D), frames(D)),
            wkv4.Wkv4State(
                normal(batch, D), 1 + uniform(batch, D), normal(batch, D), torch.ones(batch, 1, dtype=dtype)
            ),
        )
    if name == "wkv6":
        return Case(
            wkv6,
            wkv6.Wkv6Params(normal(HEADS, D // HEADS)),
            wkv6.Wkv6Input(frames(D), frames(D), frames(2 * D), torch.exp(-torch.exp(frames(D)))),
            wkv6.Wkv6State(normal(batch, HEADS, D // HEADS, 2 * D // HEADS)),
        )
    return Case(
        linear_attention,
        linear_attention.AttentionParams(1 - 0.5 * uniform(HEADS)),
        linear_attention.AttentionInput(frames(D), frames(D), frames(2 * D)),
        linear_attention.AttentionState(normal(batch, HEADS, D // HEADS, 2 * D // HEADS)),
    )
