"""Arithmetic of integer cells in torch is that of NumPy, ties and ends among it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgeeeg.cells import fixed_point
from edgeeeg.cells.state_width import INT16, INT32, LARGEST_EXPONENT

WIDTHS = pytest.mark.parametrize("width", [INT16, INT32], ids=lambda width: width.name)


def test_ties_go_to_the_even_one_and_ends_hold() -> None:
    values = torch.tensor([0.5, 1.5, -2.5, 127.5, -128.6, 1e30, -1e30])
    assert fixed_point.saturate(values, -128, 127).tolist() == [0, 2, -2, 127, -128, 127, -128]


def test_a_sum_is_multiplied_once_in_float32() -> None:
    """2^24 + 1 is no float32."""
    assert fixed_point.requantize(torch.tensor([2**24 + 1]), 2.0**-3, -(2**22), 2**22).tolist() == [2**21]


@WIDTHS
def test_half_a_step_goes_up(width) -> None:
    half = torch.tensor(width.one >> 1)
    values = torch.tensor([1, -1, 3, -3, width.low, width.high])
    expected = np.floor(values.numpy() / 2 + 0.5).astype(np.int64)
    assert fixed_point.faded(values, half, width).tolist() == expected.tolist()
    assert torch.equal(fixed_point.faded(values, torch.tensor(width.one), width), values)


@WIDTHS
def test_powers_fall_from_one_to_nothing(width) -> None:
    lost = torch.from_numpy(width.lost())
    e = torch.arange(0, LARGEST_EXPONENT, 65_521)
    powers = fixed_point.power(e, lost, width)
    assert (powers.diff() <= 0).all()
    assert (powers[0].item(), powers[-1].item()) == (width.one, 0)
    halves = fixed_point.power(torch.arange(width.fraction + 1) << 24, lost, width)
    assert halves.tolist() == [width.one >> k for k in range(width.fraction + 1)]
