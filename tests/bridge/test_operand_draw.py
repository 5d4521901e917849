"""The generator against its definition, and that draws hold what they say."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_bridge.errors import IllegalCase
from edgeeeg_bridge.operand_draw import draw_words, finite, integers, uniform

WORDS, _ = draw_words(3, 200_000)
ENDS = np.array([0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7F800000, 0xFF812345, 1], np.uint32)


def pcg(state: int, n: int) -> list[int]:
    """RXS-M-XS 32 as O'Neill gives it, a word at a time."""
    words = []
    for _ in range(n):
        mixed = ((state >> ((state >> 28) + 4)) ^ state) * 277803737 % 2**32
        words.append((mixed >> 22) ^ mixed)
        state = (state * 747796405 + 2891336453) % 2**32
    return words


def test_words_are_the_generators_and_go_on_where_they_stopped() -> None:
    first, state = draw_words(20, 1000)
    second, _ = draw_words(state, 1000)
    assert [*first.tolist(), *second.tolist()] == pcg(20, 2000)


def test_uniform_values_lie_between_their_bounds_and_fill_them() -> None:
    values = uniform(-3.0, 5.0).numpy(np.concatenate([WORDS, ENDS]))
    assert values.dtype == np.float32
    assert values.min() == -3
    assert 4.999 < values.max() < 5
    assert abs(values.mean() - 1) < 0.02


def test_finite_values_have_every_exponent_and_no_infinity() -> None:
    values = finite().numpy(np.concatenate([WORDS, ENDS]))
    assert np.isfinite(values).all()
    exponents = values.view(np.uint32) >> np.uint32(23) & np.uint32(255)
    assert set(exponents.tolist()) == set(range(255))
    assert np.signbit(values).any()


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32"])
def test_integers_are_all_of_the_type_or_of_a_range(dtype) -> None:
    info = np.iinfo(dtype)
    ends = integers(dtype).numpy(ENDS)
    assert ends.dtype == dtype
    assert (ends[0], ends[3]) == (info.min, info.max)
    few = integers(dtype, -3, 4).numpy(WORDS)
    assert sorted(set(few.tolist())) == list(range(-3, 5))
    assert np.bincount(few + 3).min() > 24_000


def test_draws_of_nothing_are_refused() -> None:
    with pytest.raises(IllegalCase, match=r"uniform\(1, 1\) holds no values"):
        uniform(1.0, 1.0)
    with pytest.raises(IllegalCase, match="uniform"):
        uniform(-np.inf, 0.0)
    with pytest.raises(IllegalCase, match="int8 has no integers from -129 to 3"):
        integers("int8", -129, 3)
    with pytest.raises(IllegalCase, match="int8 has no integers from 4 to 3"):
        integers("int8", 4, 3)
    with pytest.raises(IllegalCase, match="integers of float32"):
        integers("float32")
