import numpy as np
import pytest
import torch

from edgeeeg.cells import linear_attention as attention
from edgeeeg.errors import ModelError

BATCH, TIME, HEADS, K, V = 2, 90, 2, 3, 4


@pytest.fixture
def params() -> attention.AttentionParams:
    return attention.AttentionParams(torch.tensor([0.99, 0.5]))


@pytest.fixture
def x() -> attention.AttentionInput:
    generator = torch.Generator().manual_seed(1)
    q, k = torch.randn(2, BATCH, TIME, HEADS * K, generator=generator)
    return attention.AttentionInput(q, k, torch.randn(BATCH, TIME, HEADS * V, generator=generator))


def textbook(params: attention.AttentionParams, x: attention.AttentionInput) -> np.ndarray:
    """Masked attention without a softmax, its scores times decay^(t - s), in float64."""
    decay = params.decay.double().numpy()
    q, k, v = (part.double().numpy().reshape(BATCH, TIME, HEADS, -1) for part in x)
    age = np.arange(TIME)[:, None] - np.arange(TIME)
    mask = np.where(age >= 0, decay[:, None, None] ** np.abs(age), 0.0)
    y = np.einsum("bthk,bshk,hts,bshv->bthv", q, k, mask, v, optimize=True)
    return y.reshape(BATCH, TIME, HEADS * V)


def test_it_is_masked_attention_with_decaying_scores(
    params: attention.AttentionParams, x: attention.AttentionInput
) -> None:
    y, _ = attention.scan(params, x)
    np.testing.assert_allclose(y.numpy(), textbook(params, x), rtol=0, atol=2e-5)


def test_a_wrong_shape_is_named(params: attention.AttentionParams, x: attention.AttentionInput) -> None:
    with pytest.raises(ModelError, match=r"k has shape \(2, 90, 5\) beside q of \(2, 90, 6\)"):
        attention.scan(params, x._replace(k=x.k[..., 1:]))
    with pytest.raises(ModelError, match="q's width 5 is no multiple of the 2 heads"):
        attention.scan(params, x._replace(q=x.q[..., 1:], k=x.k[..., 1:]))
    with pytest.raises(ModelError, match="at least one frame"):
        attention.scan(params, attention.AttentionInput(*(part[:, :0] for part in x)))
