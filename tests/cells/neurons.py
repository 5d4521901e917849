"""The spiking cells side by side: seeded parameters, and what snnTorch has that should equal them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import snntorch
import torch

from edgeeeg.cells import adaptive_lif, lif, recurrent_lif, synaptic
from edgeeeg.cells.firing import Firing

N = 7


def draw(*shape: int, seed: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
    return low + (high - low) * torch.rand(shape, generator=torch.Generator().manual_seed(seed))


BETA, ALPHA, RHO = draw(N, seed=0), draw(N, seed=1), draw(N, seed=2, low=0.8)
THRESHOLD, RISE = draw(N, seed=3, low=0.5, high=1.5), draw(N, seed=4, high=2.0)
WEIGHT, BIAS = draw(N, N, seed=5, low=-0.6, high=0.6), draw(N, seed=6, low=-0.3, high=0.3)


def rleaky(**options: Any) -> snntorch.RLeaky:
    neuron = snntorch.RLeaky(beta=BETA, threshold=THRESHOLD, linear_features=N, **options)
    neuron.recurrent.weight.data, neuron.recurrent.bias.data = WEIGHT.clone(), BIAS.clone()
    return neuron


def rleaky_one_to_one(**options: Any) -> snntorch.RLeaky:
    return snntorch.RLeaky(beta=BETA, threshold=THRESHOLD, all_to_all=False, V=BIAS, **options)


@dataclass(frozen=True)
class Neuron:
    cell: ModuleType
    params: Any
    twin: Callable[..., torch.nn.Module] | None = None
    """A snnTorch neuron with these parameters, given its reset."""

    def scan(self, x: torch.Tensor, firing: Firing, state: Any = None, **options: Any) -> Any:
        return self.cell.scan(self.params, x, state, firing, **options)


NEURONS = {
    "Leaky": Neuron(
        lif,
        lif.LifParams(BETA, THRESHOLD),
        lambda **options: snntorch.Leaky(beta=BETA, threshold=THRESHOLD, **options),
    ),
    "Synaptic": Neuron(
        synaptic,
        synaptic.SynapticParams(ALPHA, BETA, THRESHOLD),
        lambda **options: snntorch.Synaptic(alpha=ALPHA, beta=BETA, threshold=THRESHOLD, **options),
    ),
    "RLeaky": Neuron(recurrent_lif, recurrent_lif.RecurrentLifParams(BETA, THRESHOLD, WEIGHT, BIAS), rleaky),
    "RLeaky one to one": Neuron(
        recurrent_lif,
        recurrent_lif.RecurrentLifParams(BETA, THRESHOLD, torch.diag(BIAS), torch.zeros(N)),
        rleaky_one_to_one,
    ),
    "Adaptive": Neuron(adaptive_lif, adaptive_lif.AdaptiveLifParams(BETA, THRESHOLD, RHO, RISE)),
}


def variants(name: str) -> list[Firing]:
    """Every reset that a neuron defines."""
    delays = (True,) if name == "Adaptive" else (True, False)
    return [
        Firing(reset, delay, fires)
        for reset in ("subtract", "zero", "none")
        for delay in delays
        for fires in ("above", "at")
    ]


ALL = [
    (name, firing, f"{name} {firing.reset}{'' if firing.reset_delay else ' at once'} {firing.fires}")
    for name in NEURONS
    for firing in variants(name)
]
"""(neuron, firing, name of both)."""


def currents(batch: int, n_times: int, seed: int = 7) -> torch.Tensor:
    return 0.1 + 1.2 * torch.randn(batch, n_times, N, generator=torch.Generator().manual_seed(seed))
