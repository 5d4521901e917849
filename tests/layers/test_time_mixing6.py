import numpy as np
import torch

from edgeeeg.layers.time_mixing6 import TimeMixing6

TIME, D, HEAD, RANK = 30, 6, 3, 2


def test_it_is_the_papers_time_mixing() -> None:
    torch.manual_seed(0)
    layer = TimeMixing6(D, head_size=HEAD, mix_rank=RANK, decay_rank=4, longest=50.0)
    with torch.no_grad():  # adapters that matter, an affine norm that is not the identity
        for parameter in layer.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    p = {name: value.detach().double().numpy() for name, value in layer.named_parameters()}
    x = torch.randn(1, TIME, D, generator=torch.Generator().manual_seed(1))
    before, S = np.zeros(D), np.zeros((D // HEAD, HEAD, HEAD))
    for x_t, y_t in zip(x[0].double().numpy(), layer(x)[0].detach().numpy(), strict=True):
        change = before - x_t
        ranks = np.tanh(p["mix_in.weight"] @ (x_t + change * p["mu_x"])).reshape(5, RANK)
        m = {
            name: x_t + change * (p[f"mu.{name}"] + p[f"mix_out.{name}.weight"] @ ranks[i])
            for i, name in enumerate("wkvrg")
        }
        adapted = p["log_rate"] + p["decay_out.weight"] @ np.tanh(p["decay_in.weight"] @ m["w"])
        w = np.exp(-(1 / 50.0 + np.exp(adapted))).reshape(-1, HEAD)
        r = (p["receptance.weight"] @ m["r"]).reshape(-1, HEAD)
        k = (p["key.weight"] @ m["k"]).reshape(-1, HEAD)
        v = (p["value.weight"] @ m["v"]).reshape(-1, HEAD)
        added = k[:, :, None] * v[:, None, :]
        read = (r[:, :, None] * (S + p["bonus"][:, :, None] * added)).sum(1)
        S = w[:, :, None] * S + added
        deviation = np.sqrt(read.var(1, keepdims=True) + 64e-5)
        standard = ((read - read.mean(1, keepdims=True)) / deviation).reshape(-1)
        gate = p["gate.weight"] @ m["g"]
        gated = (standard * p["norm_weight"] + p["norm_bias"]) * gate / (1 + np.exp(-gate))
        np.testing.assert_allclose(y_t, p["out_proj.weight"] @ gated, rtol=0, atol=5e-5)
        before = x_t


def test_the_decay_depends_on_the_data() -> None:
    torch.manual_seed(0)
    layer = TimeMixing6(D, head_size=HEAD, mix_rank=RANK, decay_rank=4)
    x = torch.randn(1, 10, D, generator=torch.Generator().manual_seed(1))
    y = layer(x)
    with torch.no_grad():
        layer.decay_out.weight.mul_(100.0)
    assert not torch.allclose(layer(x)[:, 2:], y[:, 2:])
