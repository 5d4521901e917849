import numpy as np
import torch
from torch.nn import functional as F

from edgeeeg.cells import selective_scan as ssm
from edgeeeg.layers.mamba import MambaBlock


def test_the_future_does_not_change_the_past() -> None:
    torch.manual_seed(0)
    block = MambaBlock(6, d_state=4)
    x = torch.randn(2, 20, 6)
    changed = x.clone()
    changed[:, 12:] += 1.0
    before, after = block(x), block(changed)
    assert torch.equal(before[:, :12], after[:, :12])
    assert not torch.equal(before[:, 12], after[:, 12])


def test_first_frame_by_hand() -> None:
    torch.manual_seed(0)
    block = MambaBlock(4, d_state=2)
    x = torch.randn(1, 1, 4)
    u, z = (x[:, 0] @ block.in_proj.weight.T).chunk(2, -1)
    u = F.silu(block.conv.weight[:, 0, -1] * u + block.conv.bias)
    dt, B, C = (u @ block.x_proj.weight.T).split((1, 2, 2), -1)
    delta = F.softplus(dt @ block.dt_proj.weight.T + block.dt_proj.bias)
    y = (delta * u) * (B * C).sum(-1, keepdim=True) + block.D * u
    expected = x[:, 0] + (y * F.silu(z)) @ block.out_proj.weight.T
    torch.testing.assert_close(block(x)[:, 0], expected)


def test_it_is_the_papers_block() -> None:
    torch.manual_seed(0)
    block = MambaBlock(4, d_state=3, d_conv=3)
    x = torch.randn(1, 50, 4)
    p = {name: value.detach().double().numpy() for name, value in block.named_parameters()}
    A, h = -np.exp(p["A_log"]), np.zeros((8, 3))
    recent = np.zeros((8, 3))
    for x_t, y_t in zip(x[0].double().numpy(), block(x)[0].detach().numpy(), strict=True):
        u, z = np.split(p["in_proj.weight"] @ x_t, 2)
        recent = np.concatenate([recent[:, 1:], u[:, None]], axis=1)
        u = (recent * p["conv.weight"][:, 0]).sum(1) + p["conv.bias"]
        u = u / (1 + np.exp(-u))
        dt, B, C = np.split(p["x_proj.weight"] @ u, (1, 4))
        delta = np.log1p(np.exp(p["dt_proj.weight"] @ dt + p["dt_proj.bias"]))
        h = np.exp(delta[:, None] * A) * h + (delta * u)[:, None] * B
        y = h @ C + p["D"] * u
        expected = x_t + p["out_proj.weight"] @ (y * z / (1 + np.exp(-z)))
        np.testing.assert_allclose(y_t, expected, rtol=0, atol=3e-6)


def test_step_sizes_start_in_their_range_and_the_states_decay() -> None:
    block = MambaBlock(8, dt_min=0.01, dt_max=0.3)
    delta = F.softplus(block.dt_proj.bias)
    torch.testing.assert_close(delta.min().item(), 0.01, rtol=1e-4, atol=0)
    torch.testing.assert_close(delta.max().item(), 0.3, rtol=1e-4, atol=0)
    params = ssm.ScanParams(-torch.exp(block.A_log), block.D)
    assert (params.A < 0).all()
