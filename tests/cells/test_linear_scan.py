import pytest
import torch

from edgeeeg.cells.linear_scan import linear_scan


def sequence(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    a = torch.rand(2, 9, 3, generator=generator, dtype=torch.float64).to(dtype)
    b = torch.randn(2, 9, 3, generator=generator, dtype=dtype)
    return a * (0.5 + 0.5j) if dtype.is_complex else a, b, torch.randn(2, 3, generator=generator, dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_it_is_the_recurrence(dtype: torch.dtype) -> None:
    a, b, h = sequence(dtype)
    for t, h_t in enumerate(linear_scan(a, b, h).unbind(1)):
        h = a[:, t] * h + b[:, t]
        torch.testing.assert_close(h_t, h, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_gradients_are_those_of_finite_differences(dtype: torch.dtype) -> None:
    leaves = tuple(part.requires_grad_() for part in sequence(dtype))
    assert torch.autograd.gradcheck(linear_scan, leaves)


def test_one_coefficient_serves_all_frames_and_sums_their_gradients() -> None:
    _, b, h = sequence(torch.float64)
    a = torch.tensor([0.9, 0.5, 0.1], dtype=torch.float64, requires_grad=True)
    hs = linear_scan(a, b, h)
    assert torch.equal(hs, linear_scan(a.expand(b.shape).contiguous(), b, h))
    assert torch.autograd.gradcheck(lambda a: linear_scan(a, b, h), (a,))


def test_operands_are_left_as_they_were() -> None:
    operands = sequence(torch.float64)
    kept = [part.clone() for part in operands]
    linear_scan(*(part.requires_grad_() for part in operands)).sum().backward()
    assert all(torch.equal(before, after) for before, after in zip(kept, operands, strict=True))
