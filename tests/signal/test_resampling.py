from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from edgeeeg.errors import RecordingError
from edgeeeg.signal import Annotation, Recording
from edgeeeg.signal.resampling import rate_ratio


def sine(sfreq: float, n_times: int, frequency: float = 7.0) -> Recording:
    times = np.arange(n_times) / sfreq
    data = (50 * np.sin(2 * np.pi * frequency * times) + 20).astype(np.float32)[None]
    return Recording(data, ("EEG",), sfreq, (Annotation(0.0, n_times / sfreq, "all"),))


def test_ratios_are_exact() -> None:
    assert rate_ratio(256.0, 173.61) == Fraction(17361, 25600)
    assert rate_ratio(512.0, 256.0) == Fraction(1, 2)


@pytest.mark.parametrize(("old", "new"), [(256.0, 173.61), (173.61, 256.0), (500.0, 250.0), (250.0, 256.0)])
def test_a_sine_stays_the_same_sine(old: float, new: float) -> None:
    recording = sine(old, round(20 * old))
    resampled = recording.resample(new)
    expected = sine(new, resampled.n_times)
    assert resampled.sfreq == new
    assert abs(resampled.duration - recording.duration) < 1 / new
    assert resampled.annotations == recording.annotations
    inner = slice(round(new), -round(new))  # the filter's own ringing stays at the edges
    np.testing.assert_allclose(resampled.data[0, inner], expected.data[0, inner], atol=0.15)


def test_what_the_new_rate_cannot_hold_is_removed() -> None:
    recording = sine(512.0, 5120, frequency=180.0)
    resampled = recording.resample(256.0)
    assert (resampled.data[0, 64:-64] - 20).std() < 0.1  # aliased it would be 35 µV


def test_an_offset_does_not_ring_at_the_ends() -> None:
    recording = Recording(np.full((1, 1000), 1000.0, dtype=np.float32), ("EEG",), 256.0)
    np.testing.assert_allclose(recording.resample(173.61).data, 1000.0, atol=0.2)


def test_the_same_rate_changes_nothing() -> None:
    recording = sine(256.0, 100)
    assert recording.resample(256.0) is recording


def test_a_ratio_beyond_reason_is_an_error() -> None:
    with pytest.raises(RecordingError, match=r"256\.0 Hz to 173\.610001 Hz.*fewer decimals"):
        sine(256.0, 100).resample(173.610001)
