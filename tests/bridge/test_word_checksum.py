"""The checksum against Horner's rule, over elements of every type."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_bridge.word_checksum import START, extend_checksum

RNG = np.random.default_rng(0)
FLOATS = RNG.standard_normal((7, 11)).astype(np.float32)
RESULTS = (
    FLOATS,
    RNG.integers(-128, 128, 64).astype(np.int8),
    RNG.integers(-(2**15), 2**15, 5).astype(np.int16),
    RNG.integers(-(2**31), 2**31, 9).astype(np.int32),
)


def horner(checksum: int, words: list[int]) -> int:
    for word in words:
        checksum = (checksum * 6364136223846793005 + word) % 2**64
    return checksum


@pytest.mark.parametrize("results", RESULTS, ids=lambda results: str(results.dtype))
def test_a_dot_product_is_horners_rule(results) -> None:
    bits = results.view(np.uint32) if results.dtype == np.float32 else results.astype(np.int64) % 2**32
    assert extend_checksum(START, results) == horner(START, bits.ravel().tolist())


def test_pieces_give_the_sum_of_the_whole() -> None:
    pieces = START
    for row in FLOATS:
        pieces = extend_checksum(pieces, row)
    assert pieces == extend_checksum(START, FLOATS)


def test_a_sign_of_zero_and_the_last_bit_of_any_element_change_it() -> None:
    base = np.zeros(100, np.float32)
    sums = {extend_checksum(START, base)}
    for index in range(100):
        for bits in (1, 0x80000000):
            other = base.copy()
            other.view(np.uint32)[index] = bits
            sums.add(extend_checksum(START, other))
    assert len(sums) == 201
