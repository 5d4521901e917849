import numpy as np
import pytest
import torch

from edgeeeg.cells import wkv4
from edgeeeg.errors import ModelError

BATCH, TIME, D = 2, 90, 4


@pytest.fixture
def params() -> wkv4.Wkv4Params:
    generator = torch.Generator().manual_seed(0)
    w = torch.rand(D, generator=generator) + 0.01
    return wkv4.Wkv4Params(w, torch.randn(D, generator=generator))


@pytest.fixture
def x() -> wkv4.Wkv4Input:
    generator = torch.Generator().manual_seed(1)
    return wkv4.Wkv4Input(*torch.randn(2, BATCH, TIME, D, generator=generator))


def textbook(params: wkv4.Wkv4Params, x: wkv4.Wkv4Input) -> np.ndarray:
    """Eq. 16 of the RWKV paper as it is printed: two sums of exponentials for each frame, in float64."""
    w, u = (part.double().numpy() for part in params)
    k, v = (part.double().numpy() for part in x)
    y = np.empty_like(v)
    for t in range(TIME):
        age = t - 1 - np.arange(t)
        past = np.exp(-age[None, :, None] * w + k[:, :t])
        present = np.exp(u + k[:, t])
        y[:, t] = ((past * v[:, :t]).sum(1) + present * v[:, t]) / (past.sum(1) + present)
    return y


def test_it_is_the_weighted_average_of_the_paper(params: wkv4.Wkv4Params, x: wkv4.Wkv4Input) -> None:
    y, _ = wkv4.scan(params, x)
    np.testing.assert_allclose(y.numpy(), textbook(params, x), rtol=0, atol=2e-6)


def test_the_first_output_is_the_first_value_however_small_its_key(params: wkv4.Wkv4Params) -> None:
    k, v = torch.full((1, 1, D), -1e4), torch.arange(D, dtype=torch.float32).reshape(1, 1, D)
    y, state = wkv4.scan(params, wkv4.Wkv4Input(k, v))
    assert torch.equal(y, v)
    assert torch.equal(state.max, k[:, 0])
    assert torch.equal(state.den, torch.ones(1, D))


def test_an_average_does_not_depend_on_the_scale_of_its_weights(
    params: wkv4.Wkv4Params, x: wkv4.Wkv4Input
) -> None:
    y, _ = wkv4.scan(params, x)
    shifted, _ = wkv4.scan(params, x._replace(k=x.k + 1000.0))
    # float32 keys of 1000 are known to 6e-5
    torch.testing.assert_close(shifted, y, rtol=0, atol=5e-4)


def test_rows_of_a_batch_may_start_at_different_times(params: wkv4.Wkv4Params, x: wkv4.Wkv4Input) -> None:
    first = wkv4.Wkv4Input(x.k[:1, :5], x.v[:1, :5])
    _, begun = wkv4.scan(params, first)
    fresh = wkv4.init_state(1, params)
    mixed = wkv4.Wkv4State(*(torch.cat(parts) for parts in zip(begun, fresh, strict=True)))
    y, _ = wkv4.scan(params, x, mixed)
    torch.testing.assert_close(y[1:], wkv4.scan(params, wkv4.Wkv4Input(x.k[1:], x.v[1:]))[0])
    torch.testing.assert_close(y[:1], wkv4.scan(params, wkv4.Wkv4Input(x.k[:1], x.v[:1]), begun)[0])


def test_a_wrong_shape_is_named(params: wkv4.Wkv4Params, x: wkv4.Wkv4Input) -> None:
    with pytest.raises(ModelError, match=r"WKV4: v has shape \(2, 89, 4\)"):
        wkv4.scan(params, x._replace(v=x.v[:, 1:]))
    with pytest.raises(ModelError, match="at least one frame"):
        wkv4.scan(params, wkv4.Wkv4Input(x.k[:, :0], x.v[:, :0]))
    with pytest.raises(ModelError, match=r"u has shape \(3,\)"):
        wkv4.scan(params._replace(u=params.u[1:]), x)
