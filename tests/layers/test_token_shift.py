import torch

from edgeeeg.layers.token_shift import token_shift


def test_every_frame_is_the_one_before_it_and_the_first_is_zero() -> None:
    x = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    y = token_shift(x)
    assert not y[:, 0].any()
    assert torch.equal(y[:, 1:], x[:, :-1])
