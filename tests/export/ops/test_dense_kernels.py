"""Weights of a dense layer as its kernels read them, and what the choice between them rests on."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export.kernels.choice import choose
from edgeeeg_export.ops.dense_kernels import TILES, TILES_OF_FILTERS, dense_kernels
from edgeeeg_export.tensor import Array

WEIGHT = np.arange(1, 31, dtype=np.int8).reshape(5, 6)  # 5 of x, 6 outputs


def test_a_tile_is_four_columns_of_four_rows() -> None:
    tiles = TILES.pack(WEIGHT).reshape(2, 2, 4, 4)
    np.testing.assert_array_equal(tiles[0, 0], WEIGHT[:4, :4].T)
    np.testing.assert_array_equal(tiles[0, 1], np.pad(WEIGHT[4:, :4].T, [(0, 0), (0, 3)]))
    np.testing.assert_array_equal(tiles[1, 0], np.pad(WEIGHT[:4, 4:].T, [(0, 2), (0, 0)]))


def test_filters_lie_in_the_same_tiles() -> None:
    filters = np.ascontiguousarray(WEIGHT.T).reshape(6, 5, 1)
    np.testing.assert_array_equal(TILES_OF_FILTERS.pack(filters), TILES.pack(WEIGHT))


@pytest.mark.parametrize(("k", "n"), [(1, 1), (4, 4), (23, 10)])
def test_the_flash_and_scratch_of_tiles_are_those_of_their_padding(k: int, n: int) -> None:
    weight: Array = np.ones((k, n), np.int8)
    tiles = dense_kernels(1, k, n, ("int8", "int8"))[1]
    assert tiles.flash("dsp") == TILES.pack(weight).size
    assert tiles.scratch == 2 * (k + -k % 4)


def test_wide_layers_take_tiles_on_a_cortex_m4_alone() -> None:
    names = {
        family: kernel.name for family, kernel in choose(dense_kernels(1, 64, 64, ("int8", "int8"))).items()
    }
    assert names == {"plain": "dense", "dsp": "tiles", "helium": "dense"}
