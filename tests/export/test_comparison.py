"""How two runs differ: bits, tolerances, flipped spikes and the episodes they set off."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from edgeeeg_export.comparison import Trace, compare_exact, compare_within, episodes

HOP = 4
N = 50


def outputs(value=0.3):
    return np.full((N, 2), value, dtype=np.float32)


def trace(changed=(), flipped=(), layers=None):
    """A quiet run, but for (step, value) changes of output 0 and steps whose one spike flips."""
    values, spikes = outputs(), np.zeros((N, 1), dtype=np.float32)
    for step, value in changed:
        values[step, 0] = value
    for step in flipped:
        spikes[step] = 1.0
    return Trace(values, spikes, layers or {"conv": np.ones((1, 2, N), dtype=np.float32)})


def compare(free, forced=None, margin=1.0, threshold=0.5):
    margins = np.full((N, 1), margin, dtype=np.float32)
    # half a second at 8 steps a second: four steps of agreement end an episode
    return compare_within(
        trace(), free, forced or trace(), margins, HOP, 4.0 * HOP, (threshold, None), ("lif",)
    )


def test_equal_bits_are_equal():
    record = compare_exact(outputs(), outputs(), HOP, (0.5, None))
    assert record.holds
    assert (record.max_abs, record.first_over, record.flips, record.samples) == (0.0, None, 0, N * HOP)


def test_one_bit_is_found_and_placed():
    other = outputs()
    other.view(np.uint32)[17, 1] ^= 1
    record = compare_exact(outputs(), other, HOP, (0.5, None))
    assert not record.holds
    assert record.first_over == 17 * HOP
    assert record.max_abs == pytest.approx(3e-8, rel=0.1)
    assert record.flips == 0


def test_the_sign_of_zero_is_a_bit():
    record = compare_exact(outputs(0.0), outputs(-0.0), HOP, (None, None))
    assert not record.holds
    assert record.first_over == 0
    assert record.max_abs == 0.0


def test_decisions_are_counted_at_the_threshold_itself():
    other = outputs()
    other[3, 0] = 0.5
    assert compare_exact(outputs(), other, HOP, (0.5, None)).flips == 1
    assert compare_exact(outputs(), other, HOP, (None, 0.5)).flips == 0


def test_within_tolerance_holds():
    record = compare(trace([(5, 0.30005)]), trace([(5, 0.30005)]))
    assert record.holds
    assert record.max_abs == pytest.approx(5e-5, rel=0.01)
    assert not record.bit_identical
    assert record.layers == 1


def test_over_tolerance_breaks_at_its_first_sample():
    record = compare(trace(), trace([(9, 0.3002), (5, 0.3003)]))
    assert not record.holds
    assert record.first_over == 5 * HOP


def test_what_is_broken_is_said_in_words():
    other = outputs()
    other.view(np.uint32)[17, 1] ^= 1
    assert compare_exact(outputs(), other, HOP, (0.5, None)).breaches() == (
        f"its outputs are other bits from sample {17 * HOP} on, by up to 2.98e-08",
    )
    both = trace([(5, 0.4)], layers={"conv": np.full((1, 2, N), 1.5, dtype=np.float32)})
    assert compare(trace(), both).breaches() == (
        "its outputs are off by up to 0.1 of their peak, over the tolerance of 0.0001, "
        f"from sample {5 * HOP} on",
        "layer conv is off by 0.5 of its peak, over the tolerance of 0.0001",
    )
    free = trace(changed=[(12, 0.7)])
    assert compare(free).breaches() == ("1 decisions flip with no flip of a spike or rounding before them",)


def test_an_output_that_is_not_a_number_breaks():
    record = compare(trace(), trace([(5, np.nan)]))
    assert not record.holds
    assert record.first_over == 5 * HOP
    assert record.to_json()["max_abs"] is None
    json.dumps(record.to_json(), allow_nan=False)


@pytest.mark.parametrize(("deviation", "holds"), [(5e-5, True), (2e-4, False)])
def test_a_layer_is_held_to_the_tolerance_relative_to_its_peak(deviation, holds):
    layer = np.full((1, 2, N), 10.0, dtype=np.float32)
    reference = trace(layers={"conv": layer, "head": layer})
    forced = trace(layers={"conv": layer, "head": layer * np.float32(1 + deviation)})
    margins = np.ones((N, 1), dtype=np.float32)
    record = compare_within(reference, reference, forced, margins, HOP, 32.0, (None, None), ("lif",))
    assert record.holds is holds
    assert record.worst_layer == "head"
    assert record.worst_layer_error == pytest.approx(deviation, rel=0.02)


def test_a_layer_that_is_not_a_number_breaks_even_behind_forced_spikes():
    forced = trace(layers={"conv": np.full((1, 2, N), np.nan, dtype=np.float32)})
    record = compare(trace(), forced)
    assert not record.holds
    assert record.worst_layer_error == math.inf


def test_a_decision_flip_inside_an_episode_is_explained():
    free = trace(changed=[(12, 0.7), (13, 0.31)], flipped=[10])
    record = compare(free)
    assert record.holds
    assert (record.flips, record.flips_outside_episodes, record.episodes) == (1, 0, 1)
    assert record.longest_episode_samples == 4 * HOP  # steps 10 to 13


@pytest.mark.parametrize("step", [9, 20])
def test_a_decision_flip_outside_is_not(step):
    record = compare(trace(changed=[(step, 0.7)], flipped=[10]))
    assert not record.holds
    assert record.flips_outside_episodes == 1


@pytest.mark.parametrize(("margin", "holds"), [(5e-5, True), (2e-4, False)])
def test_a_spike_may_flip_only_where_rounding_can_flip_it(margin, holds):
    record = compare(trace(flipped=[10]), forced=trace(flipped=[10]), margin=margin)
    assert record.holds is holds
    assert record.spike_flips == 1
    assert record.unexplained_spike_flips == (0 if holds else 1)
    assert record.flipping_layer == ("" if holds else "lif")
    assert record.breaches() == (
        () if holds else ("1 spikes flip that no rounding explains, most of them in layer lif",)
    )


def test_episodes_end_when_all_has_agreed_long_enough():
    reference, free = trace(), trace(changed=[(14, 0.4), (30, 0.4)], flipped=[10, 17, 40])
    assert episodes(reference, free, settled=4) == [(10, 18), (40, 41)]
    assert episodes(reference, free, settled=3) == [(10, 11), (17, 18), (40, 41)]


def test_no_flip_no_episode():
    assert episodes(trace(), trace(changed=[(14, 0.4)]), settled=4) == []


def with_integers(changed=()):
    """A quiet run, with integers up to 100 that differ by (step, steps of rounding)."""
    values = np.full((N, 2), 100, dtype=np.int8)
    for step, apart in changed:
        values[step, 1] += apart
    return replace(trace(), integers={"conv.int8": values})


def compare_integers(free, forced):
    margins = np.ones((N, 1), dtype=np.float32)
    return compare_within(with_integers(), free, forced, margins, HOP, 4.0 * HOP, (0.5, None), ("lif",))


def test_a_rounding_to_the_next_integer_is_counted_and_allowed():
    record = compare_integers(with_integers(), with_integers([(3, 1), (9, -1)]))
    assert record.rounding_flips == 2
    assert record.holds


def test_two_steps_are_a_breach():
    record = compare_integers(with_integers(), with_integers([(3, 2)]))
    assert record.worst_layer == "conv.int8"
    assert record.worst_layer_error == pytest.approx(0.01)
    assert not record.holds


def test_a_rounding_explains_what_follows_it():
    free = replace(with_integers([(5, 1)]), outputs=trace([(5, 0.6)]).outputs)
    assert compare(trace([(5, 0.6)])).flips_outside_episodes == 1
    record = compare_integers(free, with_integers())
    assert (record.episodes, record.flips, record.flips_outside_episodes) == (1, 1, 0)
    assert record.holds
