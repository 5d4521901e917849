"""Values of one tensor with the gradient of another."""

from __future__ import annotations

import torch

from edgeeeg.cells.straight_through import straight_through


def test_a_value_stands_in_for_another_and_its_gradient_stays() -> None:
    soft = torch.tensor([0.3, 0.7], requires_grad=True)
    out = straight_through(torch.tensor([1, 1]), 2 * soft)
    assert out.dtype == soft.dtype
    assert out.tolist() == [1.0, 1.0]
    (gradient,) = torch.autograd.grad(out.sum(), soft)
    assert gradient.tolist() == [2.0, 2.0]


def test_the_value_is_exact_beside_much_larger_ones() -> None:
    soft = torch.full((1000,), 1e8, requires_grad=True)
    exact = torch.linspace(0.001, 1.0, 1000)
    assert torch.equal(straight_through(exact, soft), exact)
