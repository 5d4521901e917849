import numpy as np
import pytest
import torch

from edgeeeg.cells import wkv6
from edgeeeg.errors import ModelError

BATCH, TIME, HEADS, K, V = 2, 90, 2, 3, 4


@pytest.fixture
def params() -> wkv6.Wkv6Params:
    return wkv6.Wkv6Params(torch.randn(HEADS, K, generator=torch.Generator().manual_seed(0)))


@pytest.fixture
def x() -> wkv6.Wkv6Input:
    generator = torch.Generator().manual_seed(1)
    r, k, rate = torch.randn(3, BATCH, TIME, HEADS * K, generator=generator)
    v = torch.randn(BATCH, TIME, HEADS * V, generator=generator)
    return wkv6.Wkv6Input(r, k, v, torch.exp(-torch.exp(rate)))


def textbook(params: wkv6.Wkv6Params, x: wkv6.Wkv6Input) -> np.ndarray:
    """The sum over the past, a pair of frames at a time, in float64."""
    u = params.u.double().numpy()
    r, k, v, w = (part.double().numpy().reshape(BATCH, TIME, HEADS, -1) for part in x)
    y = np.zeros((BATCH, TIME, HEADS, V))
    for t in range(TIME):
        y[:, t] = (r[:, t] * u * k[:, t]).sum(-1, keepdims=True) * v[:, t]
        for s in range(t):
            decay = w[:, s + 1 : t].prod(1)
            y[:, t] += (r[:, t] * decay * k[:, s]).sum(-1, keepdims=True) * v[:, s]
    return y.reshape(BATCH, TIME, HEADS * V)


def test_it_is_the_decaying_sum_of_the_paper(params: wkv6.Wkv6Params, x: wkv6.Wkv6Input) -> None:
    y, _ = wkv6.scan(params, x)
    np.testing.assert_allclose(y.numpy(), textbook(params, x), rtol=0, atol=2e-5)


def test_a_decay_of_zero_forgets_all_before_it(params: wkv6.Wkv6Params, x: wkv6.Wkv6Input) -> None:
    w = x.w.clone()
    w[:, 40] = 0.0
    x = x._replace(w=w.requires_grad_())
    y, _ = wkv6.scan(params, x)
    # what decays at frame 40 is what was stored before it
    fresh, _ = wkv6.scan(params, wkv6.Wkv6Input(*(part[:, 40:] for part in x)))
    torch.testing.assert_close(y[:, 41:], fresh[:, 1:], rtol=1e-4, atol=1e-5)
    (gradient,) = torch.autograd.grad(y.sum(), w)
    assert gradient.isfinite().all()
    assert gradient[:, 40].abs().min() > 0


def test_a_wrong_shape_is_named(params: wkv6.Wkv6Params, x: wkv6.Wkv6Input) -> None:
    with pytest.raises(ModelError, match=r"v has shape \(2, 90, 7\), expected \(batch, time, a multiple"):
        wkv6.scan(params, x._replace(v=x.v[..., 1:]))
    with pytest.raises(ModelError, match=r"w has shape \(2, 89, 6\)"):
        wkv6.scan(params, x._replace(w=x.w[:, 1:]))
    with pytest.raises(ModelError, match="at least one frame"):
        wkv6.scan(params, wkv6.Wkv6Input(*(part[:, :0] for part in x)))
