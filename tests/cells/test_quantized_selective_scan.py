"""The integer selective scan in torch: against the float cell, and its gradients in training."""

from __future__ import annotations

import math

import pytest
import torch

from edgeeeg.cells import quantized_selective_scan, selective_scan
from edgeeeg.cells.fixed_point import power
from edgeeeg.cells.quantized_selective_scan import ScanFormat
from edgeeeg.cells.selective_scan import ScanInput, ScanParams
from edgeeeg.cells.state_width import INT16, INT32
from edgeeeg.errors import ModelError

D, N = 6, 8


def params() -> ScanParams:
    """As Mamba starts: A = -1 ... -n, D = 1."""
    return ScanParams(-torch.arange(1.0, N + 1).repeat(D, 1), torch.ones(D))


def case(n_times: int, width=INT16, result="int16") -> tuple[ScanFormat, ScanInput, torch.Tensor]:
    """Operands of int16 in whole multiples of their scales, and the float result."""
    generator = torch.Generator().manual_seed(3)
    draws = {
        "u": torch.randn(2, n_times, D, generator=generator),
        "delta": 0.001 * 100 ** torch.rand(2, n_times, D, generator=generator),
        "b": torch.randn(2, n_times, N, generator=generator),
        "c": torch.randn(2, n_times, N, generator=generator),
    }
    scales = {name: float((value.abs().max() / 32639).float()) for name, value in draws.items()}
    x = ScanInput(*(torch.round(value / scales[name]) * scales[name] for name, value in draws.items()))
    y, h = selective_scan.scan(params(), x)
    peak = 4 * float(h.h.abs().max())
    ends = {"int8": 127, "int16": 32639}
    h_scale = width.coarsened(peak / width.high)
    scaled = {f"{name}_scale": scale for name, scale in scales.items()}
    formats = ScanFormat(
        **scaled, h_scale=h_scale, y_scale=float(y.abs().max()) / ends[result], width=width, result=result
    )
    return formats, x, y


def sqnr_db(truth: torch.Tensor, value: torch.Tensor) -> float:
    return 10 * math.log10(float(truth.square().mean() / (truth - value).square().mean()))


@pytest.mark.parametrize("width", [INT16, INT32])
def test_a_power_is_right_to_a_unit_and_near_one_to_a_thousandth_of_what_it_loses(width) -> None:
    lost = torch.from_numpy(width.lost())
    e = torch.cat([torch.arange(0, 1 << 27, 9973), (torch.arange(33) << 24)])
    exact = 2.0 ** (-e.double() / 2**24) * width.one
    got = power(e, lost, width)
    off = (got - exact).abs()
    assert off[e >= 1 << 24].max() <= (1 if width is INT16 else width.one * 1e-6)
    near = (e > 0) & (e < 1 << 18)
    assert (off[near] <= 1 + 2e-3 * (width.one - exact[near])).all()
    assert got[0] == width.one
    assert power(torch.tensor([1 << 40]), lost, width) == 0


@pytest.mark.parametrize(("width", "least"), [(INT16, 50.0), (INT32, 70.0)])
def test_it_follows_the_float_cell(width, least) -> None:
    formats, x, truth = case(4000, width)
    y, _ = quantized_selective_scan.trained_scan(params(), formats, x)
    assert sqnr_db(truth, y) > least


@pytest.mark.parametrize(("width", "least"), [(INT16, 30.0), (INT32, 50.0)])
def test_a_memory_of_thousands_of_frames_keeps_its_time_constant(width, least) -> None:
    tau, n_times, unit = 3000.0, 12_000, 1 / 32639
    slow, ones = ScanParams(-torch.ones(1, 1), torch.zeros(1)), torch.full((1, n_times, 1), 32639) * unit
    u = torch.randn(1, n_times, 1, generator=torch.Generator().manual_seed(0)) / 6
    x = ScanInput(torch.round(u / unit) * unit, ones / tau, ones, ones)
    truth, _ = selective_scan.scan(slow, x)
    peak = float(truth.abs().max())
    formats = ScanFormat(
        u_scale=unit,
        delta_scale=unit / tau,
        b_scale=unit,
        c_scale=unit,
        h_scale=width.coarsened(peak / width.high),
        y_scale=peak / 32639,
        width=width,
        result="int16",
    )
    y, _ = quantized_selective_scan.trained_scan(slow, formats, x)
    assert sqnr_db(truth, y) > least


def test_a_rate_takes_as_many_bits_as_there_are() -> None:
    formats, _, _ = case(10)
    integers = quantized_selective_scan.quantize_params(params(), formats)
    assert 2**30 <= int(integers.rate.max()) < 2**31
    slow = quantized_selective_scan.quantize_params(ScanParams(params().A * 1e-6, params().D), formats)
    assert slow.shift == quantized_selective_scan.MOST_SHIFT
    fast = ScanParams(params().A * 1e8, params().D)
    integers = quantized_selective_scan.quantize_params(fast, formats)
    assert (integers.shift, int(integers.rate.max())) == (0, 2**31 - 1)


def test_an_a_above_zero_is_refused() -> None:
    formats, _, _ = case(10)
    with pytest.raises(ModelError, match="an A is above 0"):
        quantized_selective_scan.quantize_params(ScanParams(-params().A, params().D), formats)


def test_training_carries_the_integers_from_part_to_part() -> None:
    formats, x, _ = case(120)
    whole, _ = quantized_selective_scan.trained_scan(params(), formats, x)
    state, parts = None, []
    for start, stop in ((0, 1), (1, 50), (50, 120)):
        part = ScanInput(*(v[:, start:stop] for v in x))
        y, state = quantized_selective_scan.trained_scan(params(), formats, part, state)
        parts.append(y)
    assert torch.equal(torch.cat(parts, dim=1), whole)
    assert torch.allclose(state.h, state.steps * formats.h_scale)


def test_gradients_are_the_float_cells() -> None:
    formats, x, _ = case(40, INT32)

    def gradients(scan):
        values = [value.clone().requires_grad_() for value in (*params(), *x)]
        y = scan(ScanParams(*values[:2]), ScanInput(*values[2:]))
        return torch.autograd.grad((y * torch.linspace(-1, 1, y.numel()).reshape(y.shape)).sum(), values)

    ours = gradients(lambda p, v: quantized_selective_scan.trained_scan(p, formats, v)[0])
    theirs = gradients(lambda p, v: selective_scan.scan(p, v)[0])
    for mine, other in zip(ours, theirs, strict=True):
        assert other.abs().max() > 0
        assert torch.allclose(mine, other, rtol=1e-4, atol=1e-5 * float(other.abs().max()))
