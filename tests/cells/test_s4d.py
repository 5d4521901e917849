import numpy as np
import pytest
import torch

from edgeeeg.cells import s4d
from edgeeeg.errors import ModelError

BATCH, TIME, D, N = 2, 90, 4, 3


@pytest.fixture
def params() -> s4d.S4dParams:
    generator = torch.Generator().manual_seed(0)
    decay = torch.exp(-torch.rand(D, N, generator=generator) * 0.2)
    angle = torch.rand(D, N, generator=generator) * torch.pi
    C_re, C_im = torch.randn(2, D, N, generator=generator)
    D_skip = torch.randn(D, generator=generator)
    return s4d.S4dParams(decay * angle.cos(), decay * angle.sin(), C_re, C_im, D_skip)


@pytest.fixture
def u() -> torch.Tensor:
    return torch.randn(BATCH, TIME, D, generator=torch.Generator().manual_seed(1))


def textbook(params: s4d.S4dParams, u: torch.Tensor) -> np.ndarray:
    """Convolution with the impulse response Re sum_n C lambda^j (eq. 4 of the paper), in float64."""
    lambda_re, lambda_im, C_re, C_im, D_skip = (part.double().numpy() for part in params)
    modes = lambda_re + 1j * lambda_im
    response = ((C_re + 1j * C_im) * modes ** np.arange(TIME)[:, None, None]).sum(-1).real  # (time, d)
    x = u.double().numpy()
    y = x * D_skip
    for t in range(TIME):
        y[:, t] += (response[t::-1] * x[:, : t + 1]).sum(1)
    return y


def test_it_is_the_convolution_with_its_impulse_response(params: s4d.S4dParams, u: torch.Tensor) -> None:
    y, _ = s4d.scan(params, u)
    np.testing.assert_allclose(y.numpy(), textbook(params, u), rtol=0, atol=2e-5)


def test_a_wrong_shape_is_named(params: s4d.S4dParams, u: torch.Tensor) -> None:
    with pytest.raises(ModelError, match=r"S4D: input of shape \(2, 90, 3\)"):
        s4d.scan(params, u[..., 1:])
    with pytest.raises(ModelError, match=r"C_im has shape \(4, 2\), expected \(4, 3\)"):
        s4d.scan(params._replace(C_im=params.C_im[:, 1:]), u)
    with pytest.raises(ModelError, match="at least one frame"):
        s4d.scan(params, u[:, :0])
