"""Integer LIF in torch: by hand, against the float cell, and its gradients in training."""

from __future__ import annotations

import pytest
import torch

from edgeeeg.cells import lif, quantized_lif
from edgeeeg.cells.firing import FIRES, RESETS, Firing
from edgeeeg.cells.quantized_lif import LifFormat, QuantizedLifParams
from edgeeeg.cells.state_width import INT16, INT32
from edgeeeg.errors import ModelError

N, FRAMES, X_SCALE = 8, 60, 2.0**-5


def neurons(threshold: float | None = 1.0) -> lif.LifParams:
    generator = torch.Generator().manual_seed(0)
    beta = 0.5 + 0.49 * torch.rand(N, generator=generator)
    spread = 0.5 + torch.rand(N, generator=generator)
    return lif.LifParams(beta, spread if threshold is None else torch.full((N,), threshold))


def signal(n_times: int = FRAMES) -> torch.Tensor:
    """Whole multiples of X_SCALE."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(-128, 128, (2, n_times, N), generator=generator) * X_SCALE / 3


def formats(params: lif.LifParams, width=INT16) -> LifFormat:
    scale = quantized_lif.membrane_scale(params.threshold, 30.0 / width.high, width)
    return LifFormat(X_SCALE / 3, scale, width)


def test_a_membrane_by_hand() -> None:
    """Half of it stays; the threshold is 64 steps; 5 · 2.5 = 12.5 and 7 · 2.5 = 17.5 go to the even one."""
    params = QuantizedLifParams(torch.tensor([1 << 14]), torch.tensor([64]), 2.5)
    state, mems, spikes = quantized_lif.init_state(1, params), [], []
    for x in (5, 7, 40, -1):
        spike, state = quantized_lif.step(params, INT16, torch.tensor([[x]]), state)
        mems.append(state.mem.item())
        spikes.append(spike.item())
    assert mems == [12, 6 + 18, 12 + 100, 56 - 2 - 64]
    assert spikes == [0, 0, 1, 0]


@pytest.mark.parametrize("width", [INT16, INT32])
def test_equal_thresholds_are_a_power_of_two_of_steps(width) -> None:
    params = neurons(0.7)
    integers = quantized_lif.quantize_params(params, formats(params, width))
    (steps,) = set(integers.threshold.tolist())
    assert steps.bit_count() == 1
    coarse = width.coarsened(30.0 / width.high)
    assert coarse <= formats(params, width).mem_scale < 2 * coarse


def test_other_thresholds_are_off_by_half_a_step_at_most() -> None:
    params = neurons(None)
    form = formats(params)
    integers = quantized_lif.quantize_params(params, form)
    assert (integers.threshold * form.mem_scale - params.threshold).abs().max() <= 0.5 * form.mem_scale


def test_a_threshold_below_a_step_is_refused() -> None:
    with pytest.raises(ModelError, match=r"the greatest threshold is 0\.001 and a step of a int16 membrane"):
        quantized_lif.membrane_scale(torch.tensor([0.001]), 1.0, INT16)


def test_thresholds_at_zero_leave_the_range_as_it_is() -> None:
    assert quantized_lif.membrane_scale(torch.zeros(2), 0.5, INT16) == 0.5


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("width", [INT16, INT32])
def test_it_follows_the_float_cell(reset, width) -> None:
    params, x = neurons(), signal(2000)
    form, firing = formats(params, width), Firing(reset)
    truth, _ = lif.scan(params, x, firing=firing)
    integers = quantized_lif.quantize_params(params, form)
    steps = torch.round(x / form.x_scale).long()
    spikes, _ = quantized_lif.scan(integers, width, steps, firing=firing)
    flips = (spikes != truth).double().mean().item()
    assert flips < (0.01 if width is INT16 else 1e-4)
    assert 0.05 < truth.mean() < 0.95


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("delay", [True, False])
@pytest.mark.parametrize("fires", FIRES)
@pytest.mark.parametrize("width", [INT16, INT32])
def test_training_sees_the_integers(reset, delay, fires, width) -> None:
    params, x, firing = neurons(None), signal(400), Firing(reset, delay, fires)
    form = formats(params, width)
    integers = quantized_lif.quantize_params(params, form)
    spikes, last = quantized_lif.scan(integers, width, torch.round(x / form.x_scale).long(), firing=firing)
    trained, after = quantized_lif.trained_scan(params, form, x, firing=firing)
    assert torch.equal(trained.long(), spikes)
    assert torch.equal(after.steps, last.mem)
    assert torch.allclose(after.mem, last.mem * form.mem_scale)
    first, half = quantized_lif.trained_scan(params, form, x[:, :151], firing=firing)
    second, _ = quantized_lif.trained_scan(params, form, x[:, 151:], half, firing)
    assert torch.equal(torch.cat([first, second], dim=1), trained)


def gradients(scan, params, x):
    values = [value.clone().requires_grad_() for value in (*params, x)]
    spikes = scan(lif.LifParams(*values[:2]), values[2])
    ramp = torch.linspace(-1, 1, spikes.numel()).reshape(spikes.shape)
    return torch.autograd.grad((spikes * ramp).sum(), values)


@pytest.mark.parametrize("delay", [True, False])
@pytest.mark.parametrize("reset", RESETS)
def test_gradients_are_the_float_cells(reset, delay) -> None:
    """A membrane in steps of 2^-20 of its threshold is the float cell but for rounding."""
    params, x, firing = neurons(), signal(30), Firing(reset, delay)
    form = formats(params, INT32)
    ours = gradients(lambda p, v: quantized_lif.trained_scan(p, form, v, firing=firing)[0], params, x)
    theirs = gradients(lambda p, v: lif.scan(p, v, firing=firing)[0], params, x)
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.isfinite(mine).all()
        assert other.abs().max() > 0
        assert torch.allclose(mine, other, rtol=1e-3, atol=1e-3 * float(other.abs().max()))
