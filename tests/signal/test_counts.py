from __future__ import annotations

import math

import numpy as np
import pytest

from edgeeeg.errors import RecordingError
from edgeeeg.signal.counts import from_int16, to_int16

NAMES = ("Cz", "Pz")


def test_rounds_half_to_even_and_interleaves() -> None:
    data = np.array([[0.5, 1.5, 2.5], [-0.5, -1.5, 2.4]], dtype=np.float32)
    samples, clipped = to_int16(data, 1.0, NAMES, unit="uV")
    assert samples.tolist() == [[0, 0], [2, -2], [2, 2]]
    assert clipped == 0


def test_the_ends_of_the_range_are_not_clipped() -> None:
    data = np.array([[32767.0], [-32768.0]], dtype=np.float32)
    samples, clipped = to_int16(data, 1.0, NAMES, unit="uV")
    assert (samples.tolist(), clipped) == ([[32767, -32768]], 0)


def test_saturation_names_the_channel_and_a_size_that_fits() -> None:
    data = np.array([[0.0, 5000.0, 0.0], [0.0, 8000.0, -9000.0]], dtype=np.float32)
    with pytest.raises(
        RecordingError, match=r"channel 'Pz' exceeds .*peak is 9000 uV, 3 samples .*0\.275 uV"
    ):
        to_int16(data, 0.125, NAMES, unit="uV")
    samples, clipped = to_int16(data, 0.125, NAMES, unit="uV", allow_clipping=True)
    assert (samples.tolist(), clipped) == ([[0, 0], [32767, 32767], [0, -32768]], 3)
    assert to_int16(data, 0.275, NAMES, unit="uV")[1] == 0


def test_values_are_one_float32_product() -> None:
    samples = np.array([[3], [-7]], dtype=np.int16)
    expected = np.array([[np.float32(3) * np.float32(0.1), np.float32(-7) * np.float32(0.1)]])
    np.testing.assert_array_equal(from_int16(samples, 0.1), expected)


@pytest.mark.parametrize("lsb", [0.0, -1.0, math.nan, math.inf])
def test_the_size_of_a_count_is_positive(lsb: float) -> None:
    with pytest.raises(RecordingError, match="size of one count must be positive"):
        to_int16(np.ones((2, 1), dtype=np.float32), lsb, NAMES, unit="uV")
    with pytest.raises(RecordingError, match="size of one count must be positive"):
        from_int16(np.ones((1, 2), dtype=np.int16), lsb)


@pytest.mark.parametrize("samples", [np.ones((1, 2), dtype=np.int32), np.ones(2, dtype=np.int16)])
def test_counts_are_int16_of_two_dimensions(samples: np.ndarray) -> None:
    with pytest.raises(RecordingError, match=r"int16 of shape \(n_times, n_chans\)"):
        from_int16(samples, 1.0)
