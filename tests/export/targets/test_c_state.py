"""A saved state with a NaN is refused and changes nothing; scratch behind the waiting samples is no state."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from edgeeeg.errors import BundleError
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets.c_layout import SAVE_HEADER_BYTES

CHANNELS, HOP = 2, 2
NAN = np.float32(np.nan).tobytes()
SAMPLES = SAVE_HEADER_BYTES
STATES = SAMPLES + 4 * CHANNELS * HOP


@pytest.fixture(scope="module")
def graph():
    return stream(runpy.run_path(str(Path(__file__).parents[2] / "update_golden.py"))["graph"]())


def with_nan(saved, at):
    return saved[:at] + NAN + saved[at + 4 :]


@pytest.mark.parametrize("at", ["first state", "last state", "waiting sample"])
@pytest.mark.parametrize("sign", [0x00, 0x80])
def test_a_nan_is_refused_and_changes_nothing(graph, native, counts, at, sign):
    model = native(graph)
    model.push(counts(2 * HOP + 1, CHANNELS))
    saved = model.save()
    place = {"first state": STATES, "last state": len(saved) - 4, "waiting sample": SAMPLES + 4 * HOP}[at]
    broken = bytearray(with_nan(saved, place))
    broken[place + 3] |= sign
    with pytest.raises(BundleError, match="damaged; the model keeps its own"):
        model.restore(bytes(broken))
    assert model.save() == saved


def test_what_waits_for_nothing_may_hold_anything(graph, native, counts):
    model = native(graph)
    model.push(counts(2 * HOP + 1, CHANNELS))
    saved = model.save()
    expected = model.push(counts(3 * HOP, CHANNELS, seed=1))
    model.restore(with_nan(saved, SAMPLES + 4))  # the frame that is not there yet
    np.testing.assert_array_equal(model.push(counts(3 * HOP, CHANNELS, seed=1)), expected)


def test_infinity_is_a_value(graph, native, counts):
    """The logarithm of silence, kept by a convolution behind it, goes by."""
    model = native(graph)
    saved = model.save()
    model.restore(saved[:STATES] + np.float32(-np.inf).tobytes() + saved[STATES + 4 :])
