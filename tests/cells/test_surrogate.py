from collections.abc import Callable

import pytest
import torch
from snntorch import surrogate as theirs

from edgeeeg.cells.surrogate import SURROGATES, heaviside

U = torch.linspace(-3.0, 3.0, 121)


def value_and_gradient(spike: Callable[[torch.Tensor], torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    u = U.clone().requires_grad_()
    spikes = spike(u)
    (spikes * torch.arange(1.0, len(U) + 1)).sum().backward()
    assert u.grad is not None
    return spikes, u.grad


@pytest.mark.parametrize(
    ("name", "twin"), [("arctan", theirs.atan()), ("fast_sigmoid", theirs.fast_sigmoid())]
)
def test_snntorchs_value_and_gradient(name: str, twin: Callable[[torch.Tensor], torch.Tensor]) -> None:
    spikes, gradient = value_and_gradient(lambda u: heaviside(u, at=False, surrogate=name))
    expected, slope = value_and_gradient(twin)
    assert torch.equal(spikes, expected)
    torch.testing.assert_close(gradient, slope, rtol=1e-6, atol=0.0)


def test_the_exponential_decays_from_one() -> None:
    _, gradient = value_and_gradient(lambda u: heaviside(u, at=False, surrogate="exponential"))
    expected = torch.exp(-2 * U.abs()) * torch.arange(1.0, len(U) + 1)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("name", SURROGATES)
def test_zero_fires_only_at(name: str) -> None:
    zero = torch.zeros(1)
    assert [heaviside(zero, at, name).item() for at in (False, True)] == [0.0, 1.0]
