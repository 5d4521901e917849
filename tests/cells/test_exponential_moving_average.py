import numpy as np
import pytest
import torch

from edgeeeg.cells import exponential_moving_average as average
from edgeeeg.errors import ModelError

ALPHA = 0.07


def params(dtype: torch.dtype = torch.float64) -> average.AverageParams:
    return average.AverageParams(torch.tensor([ALPHA], dtype=dtype))


@pytest.fixture
def x() -> torch.Tensor:
    return 5 + torch.randn(2, 3, 60, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_each_mean_is_the_weighted_mean_of_all_samples_so_far(x: torch.Tensor) -> None:
    means, _ = average.scan(params(), x)
    for t in range(x.shape[2]):
        weights = (1 - ALPHA) ** np.arange(t, -1, -1)
        expected = np.average(x.numpy()[..., : t + 1], axis=2, weights=weights)
        np.testing.assert_allclose(means[..., t].numpy(), expected, rtol=1e-12)


def test_the_first_mean_is_the_first_sample(x: torch.Tensor) -> None:
    means, _ = average.scan(params(torch.float32), x.float())
    assert torch.equal(means[..., 0], x.float()[..., 0])


@pytest.mark.parametrize("chunk", [1, 3, 7])
def test_chunks_with_carried_state_are_the_whole(chunk: int, x: torch.Tensor) -> None:
    whole, last = average.scan(params(torch.float32), x.float())
    parts, state = [], None
    for part in x.float().split(chunk, dim=2):
        means, state = average.scan(params(torch.float32), part, state)
        parts.append(means)
    assert torch.equal(torch.cat(parts, 2), whole)
    assert state is not None
    assert all(torch.equal(a, b) for a, b in zip(state, last, strict=True))


def test_steps_are_the_scan(x: torch.Tensor) -> None:
    whole, _ = average.scan(params(), x)
    state = average.init_state(2, 3, params())
    for t, x_t in enumerate(x.unbind(2)):
        mean, state = average.step(params(), x_t, state)
        assert torch.equal(mean, whole[..., t])


def test_silence_ends_at_zero() -> None:
    x = torch.zeros(1, 1, 1500)
    x[..., 0] = 4096.0
    means, state = average.scan(params(torch.float32), x)
    assert (means[..., :100] > 0).all()
    assert state.mean.item() == 0.0


def test_gradients_are_those_of_finite_differences(x: torch.Tensor) -> None:
    leaf = x[:1, :2, :5].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda part: average.scan(params(), part)[0], (leaf,))


def test_custom_op_runs_the_scan(x: torch.Tensor) -> None:
    alpha = params().alpha
    assert torch.equal(average.exponential_moving_average(x, alpha), average.scan(params(), x)[0])


def test_a_wrong_shape_is_named(x: torch.Tensor) -> None:
    with pytest.raises(ModelError, match=r"\(2, 3\), expected \(batch, n_chans, n_times\)"):
        average.scan(params(), x[..., 0])
