"""What holds of every layer around a linear recurrence."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from edgeeeg.errors import ModelError
from edgeeeg.layers.bidirectional import Bidirectional
from edgeeeg.layers.channel_mixing import ChannelMixing
from edgeeeg.layers.cross_time_mixing import CrossTimeMixing
from edgeeeg.layers.linear_attention import LinearAttention
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.layers.s4d import S4d
from edgeeeg.layers.time_mixing4 import TimeMixing4
from edgeeeg.layers.time_mixing6 import TimeMixing6
from edgeeeg.layers.window_attention import WindowAttention

D = 8
LAYERS: dict[str, Callable[[], nn.Module]] = {
    "mamba": lambda: MambaBlock(D, d_state=3),
    "s4d": lambda: S4d(D, d_state=6),
    "rwkv4": lambda: TimeMixing4(D),
    "rwkv6": lambda: TimeMixing6(D, head_size=4, mix_rank=2, decay_rank=3),
    "linear_attention": lambda: LinearAttention(D, heads=2),
    "channel_mixing": lambda: ChannelMixing(D),
    "window_attention": lambda: WindowAttention(D, window=5, heads=2),
}
NODES = {
    "mamba": "selective_scan",
    "s4d": "s4d",
    "rwkv4": "wkv4",
    "rwkv6": "wkv6",
    "linear_attention": "linear_attention",
}


def seeded(name: str) -> nn.Module:
    torch.manual_seed(0)
    return LAYERS[name]()


def frames(time: int, batch: int = 2) -> Tensor:
    return torch.randn(batch, time, D, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", LAYERS)
def test_the_future_does_not_change_the_past(name: str) -> None:
    layer, x = seeded(name), frames(70)
    changed = x.clone()
    changed[:, 66:] += 1.0
    before, after = layer(x), layer(changed)
    assert before.shape == x.shape
    assert torch.equal(before[:, :66], after[:, :66])
    assert not torch.equal(before[:, 66], after[:, 66])


@pytest.mark.parametrize("name", LAYERS)
def test_the_past_reaches_the_present(name: str) -> None:
    layer, x = seeded(name), frames(6).requires_grad_()
    (gradient,) = torch.autograd.grad(layer(x)[:, 5].sum(), x)
    assert gradient[:, 4].abs().max() > 0
    # two frames are all that channel mixing sees, and five all of this window
    reaches = name not in ("channel_mixing", "window_attention")
    assert bool(gradient[:, 0].abs().max() > 0) is reaches


@pytest.mark.parametrize("scale", [0.0, 1e4], ids=["silence", "1e4"])
@pytest.mark.parametrize("name", LAYERS)
def test_silence_and_large_inputs_stay_finite(name: str, scale: float) -> None:
    layer = seeded(name)
    signs = torch.randint(0, 2, (1, 300, D), generator=torch.Generator().manual_seed(2)) * 2.0 - 1
    for x in (scale * signs, scale * torch.ones_like(signs), -scale * torch.ones_like(signs)):
        x = x.requires_grad_()
        y = layer(x)
        gradients = torch.autograd.grad(y.sum(), (x, *layer.parameters()))
        assert y.isfinite().all()
        assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("name", NODES)
def test_every_parameter_learns(name: str) -> None:
    layer = seeded(name)
    layer(frames(20)).square().sum().backward()
    assert not [key for key, value in layer.named_parameters() if value.grad is None or not value.grad.any()]


@pytest.mark.parametrize("name", NODES)
def test_an_exported_program_keeps_one_node(name: str) -> None:
    layer, x = seeded(name), frames(12, batch=1)
    program = torch.export.export(layer, (x,))
    ours = [str(node.target) for node in program.graph.nodes if str(node.target).startswith("edgeeeg")]
    assert ours == [f"edgeeeg.{NODES[name]}.default"]
    torch.testing.assert_close(program.module()(x), layer(x))


@pytest.mark.parametrize("name", NODES)
def test_both_directions_see_the_future_and_the_causal_twin_takes_their_weights(name: str) -> None:
    both = Bidirectional(seeded(name), LAYERS[name]())
    twin = Bidirectional(LAYERS[name](), LAYERS[name](), causal=True)
    twin.load_state_dict(both.state_dict())
    x = frames(20)
    changed = x.clone()
    changed[:, 15:] += 1.0
    assert (both(x)[:, 0] != both(changed)[:, 0]).any()
    assert torch.equal(twin(x)[:, :15], twin(changed)[:, :15])
    torch.testing.assert_close(twin(x), 0.5 * (both.forwards(x) + both.backwards(x)))


@pytest.mark.parametrize("name", NODES)
def test_both_directions_commute_with_time_reversed(name: str) -> None:
    one, other = seeded(name), LAYERS[name]()
    x = frames(20)
    expected = Bidirectional(other, one)(x.flip(1)).flip(1)
    torch.testing.assert_close(Bidirectional(one, other)(x), expected)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TimeMixing4(D, longest=0.5), "TimeMixing4: longest is 0.5 frames"),
        (lambda: S4d(D, longest=1e8), r"S4d: longest is 100000000\.0 frames"),
        (lambda: TimeMixing6(D), "d_model 8 is no multiple of head_size 64; use a head_size"),
        (lambda: LinearAttention(D, heads=3), "LinearAttention: d_model 8 is no multiple of heads 3"),
        (lambda: LinearAttention(D, shortest=40.0, longest=100.0), "a quarter of longest, 25.0"),
        (lambda: WindowAttention(D, 4, heads=3), "WindowAttention: d_model 8 is no multiple of heads 3"),
        (lambda: WindowAttention(D, 0), "WindowAttention: window is 0; it must be a whole number from 1"),
        (lambda: S4d(D, d_state=5), "d_state is 5; states come in conjugate pairs"),
        (lambda: S4d(D, modes="legs"), "modes='legs' are not known; use one of lin, inv"),  # type: ignore[arg-type]
        (lambda: S4d(D, dt_min=0.1, dt_max=0.01), r"S4d: dt_min is 0\.1 and dt_max 0\.01 frames"),
        (lambda: MambaBlock(D, dt_min=0.0), r"MambaBlock: dt_min is 0\.0 and dt_max 0\.3 frames"),
        (lambda: MambaBlock(D, dt_max=math.nan), "MambaBlock: dt_max is nan; it must be a finite number"),
        (lambda: MambaBlock(D, dt_max=100.0), "<= dt_max <= 64"),
        (lambda: TimeMixing4(D, longest="long"), "TimeMixing4: longest is 'long'"),  # type: ignore[arg-type]
        (lambda: LinearAttention(D, shortest=None), "shortest is None"),  # type: ignore[arg-type]
    ],
)
def test_settings_that_do_not_fit_are_refused(make: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        make()


SIZES: dict[type[nn.Module], tuple[str, ...]] = {
    MambaBlock: ("d_model", "d_state", "d_conv", "expand", "dt_rank"),
    S4d: ("d_model", "d_state"),
    TimeMixing4: ("d_model",),
    TimeMixing6: ("d_model", "head_size", "mix_rank", "decay_rank"),
    ChannelMixing: ("d_model", "expand"),
    LinearAttention: ("d_model", "heads"),
    WindowAttention: ("d_model", "window", "heads"),
    CrossTimeMixing: ("d_model",),
}


@pytest.mark.parametrize("value", [0, -1, 2.5, "8", None, True])
@pytest.mark.parametrize(("layer", "size"), [(layer, size) for layer in SIZES for size in SIZES[layer]])
def test_every_size_is_a_whole_number_from_1(layer: type[nn.Module], size: str, value: object) -> None:
    sizes: dict[str, Any] = {"d_model": D, "head_size": D} if layer is TimeMixing6 else {"d_model": D}
    window = {"window": 2} if layer is WindowAttention else {}
    with pytest.raises(ModelError, match=f"{layer.__name__}: {size} is {value!r}; it must be a whole number"):
        layer(**{**sizes, **window, size: value})


TAKES: dict[str, Callable[[], nn.Module]] = {
    **LAYERS,
    "cross_time_mixing": lambda: CrossTimeMixing(D),
    "bidirectional": lambda: Bidirectional(TimeMixing4(D), TimeMixing4(D)),
}


@pytest.mark.parametrize("shape", [(2, 5, 1), (2, D, 5), (5, D), (2, 0, D), (0, 5, D), (2, 5, D, 1)], ids=str)
@pytest.mark.parametrize("name", TAKES)
def test_an_input_of_another_shape_is_refused(name: str, shape: tuple[int, ...]) -> None:
    layer, x = TAKES[name](), torch.zeros(shape)
    message = rf"{type(layer).__name__}: input of shape {re.escape(str(shape))}"
    if name == "bidirectional" and shape in ((2, 5, 1), (2, D, 5)):  # it knows no width, its layers do
        message = message.replace("Bidirectional", "TimeMixing4")
    with pytest.raises(ModelError, match=message):
        layer(x, x) if name == "cross_time_mixing" else layer(x)


def test_time_on_the_wrong_axis_is_told_how_to_turn() -> None:
    with pytest.raises(ModelError, match=r"expected \(batch, time, 8\); transpose its last two axes"):
        TimeMixing4(D)(torch.zeros(2, D, 5))


def test_layers_that_give_no_tensor_or_another_shape_have_no_mean() -> None:
    lstm = nn.LSTM(D, D, batch_first=True)
    with pytest.raises(ModelError, match=r"forwards, LSTM, gave a tuple for \(2, 6, 8\); wrap it"):
        Bidirectional(lstm, TimeMixing4(D))(frames(6))
    with pytest.raises(ModelError, match=r"backwards, Linear, gave a tensor \(2, 6, 1\) for \(2, 6, 8\)"):
        Bidirectional(TimeMixing4(D), nn.Linear(D, 1))(frames(6))
    with pytest.raises(ModelError, match="Bidirectional: backwards is None; give it a layer"):
        Bidirectional(TimeMixing4(D), None)  # type: ignore[arg-type]
