"""Integer WKV-4 in torch: against the float cell, and its gradients in training."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from edgeeeg.cells import quantized_wkv4, wkv4
from edgeeeg.cells.quantized_wkv4 import Wkv4Format
from edgeeeg.cells.state_width import INT16, INT32
from edgeeeg.cells.wkv4 import Wkv4Input, Wkv4Params
from edgeeeg.errors import ModelError

D, ENDS = 8, {"int8": 127, "int16": 32639}


def params() -> Wkv4Params:
    return Wkv4Params(2.0 ** torch.linspace(-7, 2, D), torch.linspace(-2, 2, D))


def case(n_times: int, width=INT16, dtype="int16") -> tuple[Wkv4Format, Wkv4Input, torch.Tensor]:
    """k and v in whole multiples of their scales, and the float result."""
    generator, end = torch.Generator().manual_seed(3), ENDS[dtype]
    k, v = (torch.randn(2, n_times, D, generator=generator) * s for s in (2.0, 1.0))
    k_scale, v_scale = (float((x.abs().max() / end).float()) for x in (k, v))
    x = Wkv4Input(torch.round(k / k_scale) * k_scale, torch.round(v / v_scale) * v_scale)
    y, state, state_peaks = None, wkv4.init_state(2, params()), []
    for t in range(n_times):
        _, state = wkv4.step(params(), Wkv4Input(x.k[:, t], x.v[:, t]), state)
        state_peaks.append(torch.stack([state.num.abs().max(), state.den.max()]))
    y, _ = wkv4.scan(params(), x)
    num, den = (width.coarsened(float(peak) / width.high) for peak in torch.stack(state_peaks).amax(0))
    y_scale = float(y.abs().max()) / end
    return Wkv4Format(k_scale, v_scale, num, den, y_scale, width, end + 1, dtype), x, y


def sqnr_db(truth: torch.Tensor, value: torch.Tensor) -> float:
    return 10 * math.log10(float(truth.square().mean() / (truth - value).square().mean()))


@pytest.mark.parametrize(
    ("width", "dtype", "least"), [(INT16, "int16", 45.0), (INT32, "int16", 70.0), (INT16, "int8", 28.0)]
)
def test_it_follows_the_float_cell(width, dtype, least) -> None:
    formats, x, truth = case(3000, width, dtype)
    y, _ = quantized_wkv4.trained_scan(params(), formats, x)
    assert sqnr_db(truth, y) > least


def test_an_exponent_takes_as_many_bits_as_there_are() -> None:
    formats, _, _ = case(10)
    integers = quantized_wkv4.quantize_params(params(), formats)
    assert (
        2**28 < integers.u.abs().max() + integers.w.max() + 32640 * integers.key / 2**integers.shift <= 2**29
    )
    assert 2**29 < integers.key < 2**31


@pytest.mark.parametrize(
    ("change", "message"),
    [({"den_scale": 1.5}, "more than a weight of 1; ask for int32"), ({"k_scale": 1e6}, "exponents reach")],
)
def test_scales_that_leave_no_room_are_refused(change, message) -> None:
    formats, _, _ = case(10)
    with pytest.raises(ModelError, match=message):
        quantized_wkv4.quantize_params(params(), replace(formats, **change))


def test_a_past_that_grows_is_refused() -> None:
    formats, _, _ = case(10)
    with pytest.raises(ModelError, match="a decay rate w is below 0"):
        quantized_wkv4.quantize_params(Wkv4Params(-params().w, params().u), formats)


def test_training_carries_the_integers_from_part_to_part() -> None:
    formats, x, _ = case(60)
    whole, _ = quantized_wkv4.trained_scan(params(), formats, x)
    state, parts = None, []
    for start, stop in ((0, 1), (1, 25), (25, 60)):
        part = Wkv4Input(x.k[:, start:stop], x.v[:, start:stop])
        y, state = quantized_wkv4.trained_scan(params(), formats, part, state)
        parts.append(y)
    assert torch.equal(torch.cat(parts, dim=1), whole)


def test_gradients_are_the_float_cells() -> None:
    formats, x, _ = case(40, INT32)

    def gradients(scan):
        values = [value.clone().requires_grad_() for value in (*params(), *x)]
        y = scan(Wkv4Params(*values[:2]), Wkv4Input(*values[2:]))
        return torch.autograd.grad((y * torch.linspace(-1, 1, y.numel()).reshape(y.shape)).sum(), values)

    ours = gradients(lambda p, v: quantized_wkv4.trained_scan(p, formats, v)[0])
    theirs = gradients(lambda p, v: wkv4.scan(p, v)[0])
    for mine, other in zip(ours, theirs, strict=True):
        assert other.abs().max() > 0
        assert torch.allclose(mine, other, rtol=1e-4, atol=1e-5 * float(other.abs().max()))
