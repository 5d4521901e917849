import numpy as np
import torch

from edgeeeg.layers.channel_mixing import ChannelMixing
from edgeeeg.layers.time_mixing4 import TimeMixing4

TIME, D = 30, 6


def weights(layer: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: value.detach().double().numpy() for name, value in layer.named_parameters()}


def frames() -> torch.Tensor:
    return torch.randn(1, TIME, D, generator=torch.Generator().manual_seed(1))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_it_is_the_papers_time_mixing() -> None:
    torch.manual_seed(0)
    layer = TimeMixing4(D, longest=50.0)
    p, x = weights(layer), frames()
    w = 1 / 50.0 + np.exp(p["log_rate"])
    before, num, den = np.zeros(D), np.zeros(D), np.zeros(D)
    for x_t, y_t in zip(x[0].double().numpy(), layer(x)[0].detach().numpy(), strict=True):
        mixed = {name: p[f"mu_{name}"] * x_t + (1 - p[f"mu_{name}"]) * before for name in "rkv"}
        r = sigmoid(p["receptance.weight"] @ mixed["r"])
        k, v = p["key.weight"] @ mixed["k"], p["value.weight"] @ mixed["v"]
        present = np.exp(p["bonus"] + k)
        expected = p["out_proj.weight"] @ (r * (num + present * v) / (den + present))
        np.testing.assert_allclose(y_t, expected, rtol=0, atol=2e-6)
        num, den = np.exp(-w) * num + np.exp(k) * v, np.exp(-w) * den + np.exp(k)
        before = x_t


def test_it_is_the_papers_channel_mixing() -> None:
    torch.manual_seed(0)
    layer = ChannelMixing(D)
    p, x = weights(layer), frames()
    before = np.zeros(D)
    for x_t, y_t in zip(x[0].double().numpy(), layer(x)[0].detach().numpy(), strict=True):
        mixed = {name: p[f"mu_{name}"] * x_t + (1 - p[f"mu_{name}"]) * before for name in "rk"}
        k = np.maximum(p["key.weight"] @ mixed["k"], 0) ** 2
        expected = sigmoid(p["receptance.weight"] @ mixed["r"]) * (p["value.weight"] @ k)
        np.testing.assert_allclose(y_t, expected, rtol=0, atol=2e-6)
        before = x_t
