import numpy as np
import torch

from edgeeeg.layers.linear_attention import LinearAttention

TIME, D, HEADS = 90, 6, 2


def test_it_is_masked_attention_with_decaying_scores() -> None:
    torch.manual_seed(0)
    layer = LinearAttention(D, HEADS, shortest=3.0, longest=40.0)
    x = torch.randn(2, TIME, D, generator=torch.Generator().manual_seed(1))
    p = {name: value.detach().double().numpy() for name, value in layer.named_parameters()}
    frames = x.double().numpy()
    q, k, v = (
        (frames @ p[f"{name}.weight"].T).reshape(2, TIME, HEADS, -1) for name in ("query", "key", "value")
    )
    rate = 1 / 40.0 + np.exp(p["log_rate"])
    age = np.arange(TIME)[:, None] - np.arange(TIME)
    mask = np.where(age >= 0, np.exp(-rate[:, None, None] * np.abs(age)), 0.0)
    read = np.einsum("bthk,bshk,hts,bshv->bthv", q, k, mask, v, optimize=True) / np.sqrt(D // HEADS)
    expected = read.reshape(2, TIME, D) @ p["out_proj.weight"].T
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=0, atol=5e-6)


def test_time_constants_start_spread_between_the_shortest_and_a_quarter_of_the_longest() -> None:
    decay = LinearAttention(D, 3, shortest=8.0, longest=2048.0).params.decay
    torch.testing.assert_close(-1 / torch.log(decay), torch.tensor([8.0, 64.0, 512.0]), rtol=1e-3, atol=0)
