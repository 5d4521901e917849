import numpy as np
import pytest
import torch

from edgeeeg.cells import selective_scan as ssm
from edgeeeg.errors import ModelError

BATCH, TIME, D, N = 2, 40, 5, 3


@pytest.fixture
def params() -> ssm.ScanParams:
    generator = torch.Generator().manual_seed(0)
    A = -torch.rand(D, N, generator=generator, dtype=torch.float64) * 3
    return ssm.ScanParams(A, torch.randn(D, generator=generator, dtype=torch.float64))


@pytest.fixture
def x() -> ssm.ScanInput:
    generator = torch.Generator().manual_seed(1)

    def normal(width: int) -> torch.Tensor:
        return torch.randn(BATCH, TIME, width, generator=generator, dtype=torch.float64)

    return ssm.ScanInput(u=normal(D), delta=normal(D).exp() * 0.1, B=normal(N), C=normal(N))


def closed_form(params: ssm.ScanParams, x: ssm.ScanInput) -> np.ndarray:
    """y_t = D u_t + sum_s C_t exp(A sum_{s<r<=t} delta_r) delta_s B_s u_s: the past, without a recurrence."""
    A, D_skip = (part.numpy() for part in params)
    u, delta, B, C = (part.numpy() for part in x)
    y = u * D_skip
    for t in range(TIME):
        for s in range(t + 1):
            elapsed = delta[:, s + 1 : t + 1].sum(1)  # (batch, d)
            kernel = np.exp(elapsed[:, :, None] * A) * C[:, t, None, :] * B[:, s, None, :]
            y[:, t] += kernel.sum(-1) * delta[:, s] * u[:, s]
    return y


def test_scan_is_the_sum_over_the_past(params: ssm.ScanParams, x: ssm.ScanInput) -> None:
    y, _ = ssm.scan(params, x)
    np.testing.assert_allclose(y.numpy(), closed_form(params, x), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("chunk", [1, 3, 7])
def test_chunks_with_carried_state_are_the_whole(
    params: ssm.ScanParams, x: ssm.ScanInput, chunk: int
) -> None:
    whole, last = ssm.scan(params, x)
    parts, state = [], None
    for part in zip(*(tensor.split(chunk, dim=1) for tensor in x), strict=True):
        y, state = ssm.scan(params, ssm.ScanInput(*part), state)
        parts.append(y)
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=1e-14, atol=1e-15)
    assert state is not None
    torch.testing.assert_close(state.h, last.h, rtol=1e-14, atol=1e-15)


def test_steps_are_the_scan(params: ssm.ScanParams, x: ssm.ScanInput) -> None:
    whole, last = ssm.scan(params, x)
    state = ssm.init_state(BATCH, params)
    for t, frame in enumerate(zip(*(tensor.unbind(1) for tensor in x), strict=True)):
        y, state = ssm.step(params, ssm.ScanInput(*frame), state)
        torch.testing.assert_close(y, whole[:, t], rtol=1e-14, atol=1e-15)
    torch.testing.assert_close(state.h, last.h, rtol=1e-14, atol=1e-15)


def test_custom_op_runs_the_scan(params: ssm.ScanParams, x: ssm.ScanInput) -> None:
    y = ssm.selective_scan(x.u, x.delta, params.A, x.B, x.C, params.D)
    assert torch.equal(y, ssm.scan(params, x)[0])


def test_gradients_are_those_of_finite_differences(params: ssm.ScanParams, x: ssm.ScanInput) -> None:
    leaves = tuple(part[:1, :4].clone().requires_grad_() for part in x)
    assert torch.autograd.gradcheck(lambda *parts: ssm.scan(params, ssm.ScanInput(*parts))[0], leaves)


def test_a_wrong_shape_is_named(params: ssm.ScanParams, x: ssm.ScanInput) -> None:
    with pytest.raises(ModelError, match=r"C has shape \(2, 39, 3\)"):
        ssm.scan(params, x._replace(C=x.C[:, 1:]))
    with pytest.raises(ModelError, match="at least one frame"):
        ssm.scan(params, ssm.ScanInput(*(part[:, :0] for part in x)))


def test_blocks_of_wide_states_are_the_whole(
    params: ssm.ScanParams, x: ssm.ScanInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, last = ssm.scan(params, x)
    monkeypatch.setattr(ssm, "BLOCK", 3 * BATCH * D * N)
    blocks, state = ssm.scan(params, x)
    torch.testing.assert_close(blocks, whole, rtol=1e-14, atol=1e-15)
    assert torch.equal(state.h, last.h)
