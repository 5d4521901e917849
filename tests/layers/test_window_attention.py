import numpy as np
import torch

from edgeeeg.layers.window_attention import WindowAttention

TIME, D, HEADS, WINDOW = 25, 6, 2, 7


def test_it_is_attention_masked_to_the_window() -> None:
    torch.manual_seed(0)
    layer = WindowAttention(D, WINDOW, HEADS)
    x = torch.randn(2, TIME, D, generator=torch.Generator().manual_seed(1))
    p = {name: value.detach().double().numpy() for name, value in layer.named_parameters()}
    frames = x.double().numpy()
    q, k, v = (
        (frames @ p[f"{name}.weight"].T).reshape(2, TIME, HEADS, -1) for name in ("query", "key", "value")
    )
    age = np.arange(TIME)[:, None] - np.arange(TIME)
    mask = ((age >= 0) & (age < WINDOW)).astype(float)
    read = np.einsum("bthk,bshk,ts,bshv->bthv", q, k, mask, v, optimize=True) / np.sqrt(D // HEADS)
    expected = read.reshape(2, TIME, D) @ p["out_proj.weight"].T
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=0, atol=2e-6)


def test_what_has_left_the_window_leaves_no_rounding_behind() -> None:
    torch.manual_seed(0)
    layer = WindowAttention(D, WINDOW, HEADS)
    x = torch.randn(1, TIME, D, generator=torch.Generator().manual_seed(1))
    loud = x.clone()
    loud[:, 3] *= 1e6
    assert torch.equal(layer(loud)[:, 3 + WINDOW :], layer(x)[:, 3 + WINDOW :])
