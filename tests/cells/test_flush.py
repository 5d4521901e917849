import torch

from edgeeeg.cells.flush import FLUSH, flush


def test_small_magnitudes_become_zero_and_all_else_stays() -> None:
    above = torch.nextafter(torch.tensor(FLUSH), torch.tensor(1.0)).item()
    x = torch.tensor([FLUSH, -FLUSH, 1e-40, above, -above, 0.0, 3.5, torch.inf, torch.nan])
    expected = torch.tensor([0.0, 0.0, 0.0, above, -above, 0.0, 3.5, torch.inf, torch.nan])
    assert torch.equal(flush(x).nan_to_num(7.0), expected.nan_to_num(7.0))
    assert flush(x).isnan().tolist() == x.isnan().tolist()


def test_gradient_passes_where_the_value_does() -> None:
    x = torch.tensor([1e-40, 2.0], requires_grad=True)
    flush(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 1.0]
