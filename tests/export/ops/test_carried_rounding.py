"""Rounding that membranes carry: it covers what float32 loses, and forgets as the membranes do."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export.ops.carried_rounding import DEVIATIONS, UNIT_ROUNDOFF, carried_rounding

STEPS, N = 20_000, 8


@pytest.mark.parametrize("decay", [1.0, 0.9999, 0.999])
def test_it_covers_what_float32_loses_against_float64_and_is_no_more_than_needed(decay):
    rng = np.random.default_rng(0)
    x = rng.normal(0, 100, (STEPS, N)).astype(np.float32)
    beta = np.full(N, decay, dtype=np.float32)
    mem, exact = np.zeros((STEPS, N), dtype=np.float32), np.zeros((STEPS, N))
    single, double = np.zeros(N, dtype=np.float32), np.zeros(N)
    for t in range(STEPS):
        single = beta * single + x[t]
        double = beta.astype(np.float64) * double + x[t]
        mem[t], exact[t] = single, double
    carried = carried_rounding(beta, x, mem, np.zeros(mem.shape, dtype=bool))
    lost = np.abs(mem - exact)
    assert (lost <= carried).all()
    assert lost.max() > carried.max() / 50


def test_the_roundings_of_steps_add_in_their_squares_and_are_cleared():
    ones = np.ones((4, 1), dtype=np.float32)
    cleared = np.array([[False], [False], [True], [False]])
    carried = carried_rounding(np.ones(1, dtype=np.float32), ones, ones, cleared)
    expected = DEVIATIONS * 2 * UNIT_ROUNDOFF * np.sqrt([1.0, 2.0, 3.0, 1.0])
    np.testing.assert_allclose(carried[:, 0], expected)


def test_a_leak_that_is_quick_is_allowed_nothing():
    big = np.full((100, 3), 1e6, dtype=np.float32)
    decay = np.array([0.9, 0.99, 0.991], dtype=np.float32)
    carried = carried_rounding(decay, big, big, np.zeros(big.shape, dtype=bool))
    assert (carried[:, :2] == 0).all()
    assert (carried[:, 2] > 0).all()
