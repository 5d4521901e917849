"""Rounding to steps, and gradients that pass through it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgeeeg.cells.straight_through import straight_through
from edgeeeg.errors import ModelError
from edgeeeg.quantization.activation import ActivationQuantizer
from edgeeeg.quantization.integers import Integers, saturate
from edgeeeg.quantization.rounding import round_to_steps
from edgeeeg.quantization.weighted_layer import brevitas_layer, whole_weight


def test_ties_and_ends():
    given = torch.tensor([0.5, 1.5, -2.5, 127.5, -128.6, 1e9])
    torch.testing.assert_close(saturate(given), torch.tensor([0.0, 2.0, -2.0, 127.0, -128.0, 127.0]))


def test_integers_come_back_from_what_they_are_worth():
    scale = torch.from_numpy(np.random.default_rng(0).uniform(1e-6, 1e3, 500).astype(np.float32))
    q = torch.arange(-128.0, 128.0)
    for step in scale:
        assert torch.equal(Integers(q * step, step).whole, q)


def test_the_gradient_is_that_of_the_other_tensor():
    x = torch.tensor([0.3, -1.2], requires_grad=True)
    y = straight_through(torch.round(x), 3 * x)
    assert y.tolist() == [0.0, -1.0]
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_a_quantizer_divides_saturates_and_rounds_and_its_scale_learns():
    quantizer = ActivationQuantizer(2.0)
    x = torch.from_numpy(np.random.default_rng(1).normal(0, 1, 20_000).astype(np.float32))
    rounded = quantizer(x)
    assert rounded.scale.item() == pytest.approx(2 / 127, rel=1e-6)
    expected = np.rint(np.clip(x.numpy() / rounded.scale.detach().numpy(), -128, 127))
    np.testing.assert_array_equal(rounded.whole.numpy(), expected)
    assert np.abs(x.numpy()).max() > 2.02
    rounded.value.square().sum().backward()
    (limit,) = quantizer.parameters()
    assert limit.grad.abs() > 0
    with pytest.raises(ModelError, match=r"activation range of 0\.0: it must be above 0"):
        ActivationQuantizer(0.0)


def test_weights_are_those_of_brevitas_to_the_last_bit():
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(40, 3, 7))
    theirs = brevitas_layer("conv", weight, None).quant_weight()
    whole, each = whole_weight(weight)
    assert torch.equal(each, theirs.scale.ravel())
    assert torch.equal(whole * each[:, None, None], theirs.value)


def test_a_row_of_zeros_has_steps_of_one_and_no_step_is_finer_than_asked():
    whole, each = whole_weight(torch.tensor([[0.0, 0.0], [1.0, -0.5]]))
    assert each[0] == 1
    assert whole.tolist() == [[0, 0], [127, -64]]
    assert whole_weight(torch.ones(1, 2), torch.tensor([2.0], dtype=torch.float64))[1] == 2


def test_rounding_by_row_and_by_tensor():
    x = torch.tensor([[1.3, -0.2], [40.0, 3.0]])
    by_row = round_to_steps(x, torch.tensor([1.0, 0.25]), 0)
    torch.testing.assert_close(by_row, torch.tensor([[1.0, -0.0], [31.75, 3.0]]))
    torch.testing.assert_close(round_to_steps(x, torch.tensor(0.5), 0)[0], torch.tensor([1.5, -0.0]))
