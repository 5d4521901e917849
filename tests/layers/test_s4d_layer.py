import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from edgeeeg.layers.s4d import S4d

TIME, D = 80, 4


def test_it_is_the_zero_order_hold_of_a_diagonal_state_space() -> None:
    torch.manual_seed(0)
    layer = S4d(D, d_state=6, longest=200.0)
    x = torch.randn(1, TIME, D, generator=torch.Generator().manual_seed(1))
    p = {name: value.detach().double().numpy() for name, value in layer.named_parameters()}
    dt = np.exp(p["log_dt"])[:, None]
    A = -np.exp(p["log_A_real"]) - 1 / (200.0 * dt) + 1j * p["A_imag"]
    decay = np.exp(dt * A)
    held = (decay - 1) / A
    C = p["C_re"] + 1j * p["C_im"]
    h, y = np.zeros_like(A), []
    for u in x[0].double().numpy():
        h = decay * h + held * u[:, None]
        y.append(2 * (C * h).sum(-1).real + p["D"] * u)
    core = torch.from_numpy(np.array(y))
    linear = F.gelu(core) @ layer.out_proj.weight.double().T + layer.out_proj.bias.double()
    torch.testing.assert_close(layer(x)[0].double(), F.glu(linear), rtol=0, atol=5e-5)


@pytest.mark.parametrize(
    ("modes", "frequencies"),
    [
        ("lin", (0.0, math.pi, 2 * math.pi)),
        ("inv", (6 / math.pi * 5, 6 / math.pi, 6 / math.pi * 0.2)),
    ],
)
def test_initial_frequencies_are_the_papers(modes: str, frequencies: tuple[float, ...]) -> None:
    layer = S4d(D, d_state=6, modes=modes)  # type: ignore[arg-type]
    torch.testing.assert_close(layer.A_imag, torch.tensor(frequencies).repeat(D, 1))
    torch.testing.assert_close(layer.log_A_real.exp(), torch.full((D, 3), 0.5))
    assert (torch.hypot(*layer.params[:2]) < 1).all()
