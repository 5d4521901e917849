import numpy as np
import pytest
import torch

from edgeeeg.cells import running_z_score as z_score
from edgeeeg.errors import ModelError

ALPHA, EPSILON = 0.07, 1e-3


def params(dtype: torch.dtype = torch.float64) -> z_score.ZScoreParams:
    return z_score.ZScoreParams(torch.tensor([ALPHA], dtype=dtype), EPSILON)


@pytest.fixture
def x() -> torch.Tensor:
    return 5 + 2 * torch.randn(2, 3, 60, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_each_score_is_by_the_weighted_moments_of_all_samples_so_far(x: torch.Tensor) -> None:
    scores, _ = z_score.scan(params(), x)
    data = x.numpy()
    for t in range(data.shape[2]):
        weights, past = (1 - ALPHA) ** np.arange(t, -1, -1), data[..., : t + 1]
        mean = np.average(past, axis=2, weights=weights)
        variance = np.average((past - mean[..., None]) ** 2, axis=2, weights=weights)
        expected = (data[..., t] - mean) / np.sqrt(variance + EPSILON)
        np.testing.assert_allclose(scores[..., t].numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("chunk", [1, 3, 7])
def test_chunks_with_carried_state_are_the_whole(chunk: int, x: torch.Tensor) -> None:
    whole, last = z_score.scan(params(torch.float32), x.float())
    parts, state = [], None
    for part in x.float().split(chunk, dim=2):
        scores, state = z_score.scan(params(torch.float32), part, state)
        parts.append(scores)
    assert torch.equal(torch.cat(parts, 2), whole)
    assert state is not None
    assert all(torch.equal(a, b) for a, b in zip(state, last, strict=True))


def test_steps_are_the_scan(x: torch.Tensor) -> None:
    whole, _ = z_score.scan(params(), x)
    state = z_score.init_state(2, 3, params())
    for t, x_t in enumerate(x.unbind(2)):
        score, state = z_score.step(params(), x_t, state)
        assert torch.equal(score, whole[..., t])


def test_silence_scores_zero_and_nothing_exceeds_the_bound() -> None:
    """Silence, an outlier of full scale, saturation and silence again: bounded, and at rest in the end."""
    x = torch.zeros(1, 1, 3200)
    x[..., 200] = 4096.0
    x[..., 400:700] = -4096.0
    scores, state = z_score.scan(params(torch.float32), x)
    assert not scores[..., :200].any()
    bound = ((1 - ALPHA) / ALPHA) ** 0.5
    assert 0.99 * bound < scores.abs().max() < 1.00001 * bound
    assert not state.mean.any()
    assert not state.variance.any()


def test_gradients_are_those_of_finite_differences(x: torch.Tensor) -> None:
    leaf = x[:1, :2, :5].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda part: z_score.scan(params(), part)[0], (leaf,))


def test_custom_op_runs_the_scan(x: torch.Tensor) -> None:
    scores = z_score.running_z_score(x, params().alpha, EPSILON)
    assert torch.equal(scores, z_score.scan(params(), x)[0])


def test_a_wrong_shape_is_named(x: torch.Tensor) -> None:
    with pytest.raises(ModelError, match=r"\(2, 3\), expected \(batch, n_chans, n_times\)"):
        z_score.scan(params(), x[..., 0])
