from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from edgeeeg.cells.step_loop import step_loop
from edgeeeg.errors import ModelError


class Pair(NamedTuple):
    a: Tensor
    b: Tensor


class Total(NamedTuple):
    sum: Tensor


def add(gain: float, x: Tensor, state: Total) -> tuple[Tensor, Total]:
    total = state.sum + gain * x
    return total, Total(total)


def add_product(gain: float, x: Pair, state: Total) -> tuple[Tensor, Total]:
    return add(gain, x.a * x.b, state)


def test_a_running_sum() -> None:
    x = torch.arange(6.0).reshape(1, 3, 2)
    y, state = step_loop(add, 2.0, x, Total(torch.ones(1, 2)))
    torch.testing.assert_close(y, 1.0 + 2.0 * x.cumsum(1))
    assert torch.equal(state.sum, y[:, -1])


def test_parts_of_a_named_tuple_advance_together() -> None:
    x = Pair(torch.tensor([[[2.0], [3.0]]]), torch.tensor([[[5.0], [7.0]]]))
    y, _ = step_loop(add_product, 1.0, x, Total(torch.zeros(1, 1)))
    assert y.flatten().tolist() == [10.0, 31.0]


def test_no_frame_and_unequal_lengths_are_refused() -> None:
    with pytest.raises(ModelError, match=r"inputs of \[0\] frames"):
        step_loop(add, 1.0, torch.zeros(1, 0, 2), Total(torch.zeros(1, 2)))
    with pytest.raises(ModelError, match=r"inputs of \[2, 3\] frames"):
        step_loop(
            add_product, 1.0, Pair(torch.zeros(1, 2, 2), torch.zeros(1, 3, 2)), Total(torch.zeros(1, 2))
        )
