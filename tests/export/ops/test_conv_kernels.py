"""Kernels that a convolution has, the memory they ask for, and which of them is taken."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export.kernels.choice import choose
from edgeeeg_export.kernels.kernel import Kernel
from edgeeeg_export.ops.conv_kernels import COLUMNS, ROWS, SCRATCH_BYTES, conv_kernels
from edgeeeg_export.ops.window import Window


def kernels(
    x: tuple[int, ...], weight: tuple[int, ...], groups: int = 1, pads: tuple[int, ...] = ()
) -> dict[str, Kernel]:
    rank = len(x) - 2
    window = Window(weight[2:], (1,) * rank, (1,) * rank, pads or (0,) * (2 * rank))
    return {k.name: k for k in conv_kernels(window, x, weight, groups, ("int8", "int8"))}


def test_taps_of_rows_and_columns_end_in_zeros_at_a_multiple_of_four() -> None:
    weight = np.ones((2, 3, 5), np.int8)
    rows, columns = ROWS.pack(weight), COLUMNS.pack(weight)
    assert rows.shape == (2, 3, 8)
    assert rows[..., :5].all()
    assert not rows[..., 5:].any()
    assert columns.shape == (2, 16)
    assert columns[:, :15].all()
    assert not columns[:, 15:].any()


@pytest.mark.parametrize(
    ("x", "weight", "groups", "pads", "kernel"),
    [
        ((1, 16, 64), (32, 16, 1), 1, (), "columns"),
        ((1, 16, 64), (16, 16, 8), 1, (), "slide"),
        ((1, 1, 22, 256), (8, 1, 1, 64), 1, (0, 32, 0, 31), "slide"),
        ((1, 16, 256), (16, 1, 16), 16, (), "slide"),
        ((1, 16, 22, 256), (16, 1, 22, 1), 16, (), "across"),
        ((1, 16, 16, 16), (16, 1, 3, 3), 16, (1, 1, 1, 1), "slide"),
    ],
)
def test_the_kernel_of_a_layer_on_a_cortex_m4(
    x: tuple[int, ...], weight: tuple[int, ...], groups: int, pads: tuple[int, ...], kernel: str
) -> None:
    assert choose(tuple(kernels(x, weight, groups, pads).values()))["dsp"].name == kernel


def test_lines_of_one_channel_share_their_rows() -> None:
    together = kernels((1, 4, 16, 16), (4, 1, 3, 3), 4, (1, 1, 1, 1))["slide"]
    assert together.work["row"] == 4 * 18
    assert together.scratch == 18 * 2 * (16 + 4)
    apart = kernels((1, 4, 16, 16), (4, 4, 3, 3), 1, (1, 1, 1, 1))["slide"]
    assert apart.work["row"] == 16 * 4 * 3
    assert apart.scratch == 4 * 3 * 2 * (16 + 4)


def test_tall_planes_are_made_in_parts_that_fit() -> None:
    slide = kernels((1, 1, 200, 40), (1, 1, 3, 4))["slide"]
    assert 0 < slide.scratch <= SCRATCH_BYTES


@pytest.mark.parametrize(
    ("x", "weight", "groups", "fill"),
    [
        ((1, 4, 9), (3, 4, 1), 1, "widened"),
        ((1, 4, 5, 9), (3, 4, 1, 1), 1, "widened"),
        ((1, 4, 5, 9), (8, 1, 5, 1), 4, "widened"),
        ((1, 4, 5, 9), (8, 1, 1, 9), 4, "gathered"),
        ((1, 4, 9), (3, 4, 2), 1, "gathered"),
    ],
)
def test_columns_of_whole_lines_are_cheaper_to_fill(
    x: tuple[int, ...], weight: tuple[int, ...], groups: int, fill: str
) -> None:
    assert {"widened", "gathered"} & set(kernels(x, weight, groups)["columns"].work) == {fill}
