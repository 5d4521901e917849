from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from edgeeeg.errors import RecordingError
from edgeeeg.signal import Annotation, Recording


def test_is_read_only_and_leaves_the_callers_array_alone() -> None:
    data = np.ones((1, 10), dtype=np.float32)
    recording = Recording(data, ("EEG",), 10.0)
    with pytest.raises(ValueError, match="read-only"):
        recording.data[0, 0] = 2
    data[0, 0] = 3  # still writeable by its owner


def test_counts_channels_samples_and_seconds(noise: Recording) -> None:
    assert (noise.n_chans, noise.n_times, noise.duration) == (3, 1024, 8.0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.ones((1, 10)), "float32 array, not float64: Recording.from_array"),
        ([[1.0]], "float32 array, not list"),
        (np.ones(10, dtype=np.float32), r"shape \(n_chans, n_times\), not \(10,\)"),
        (np.ones((10, 1), dtype=np.float32), "does not fit 1 channel names: transpose it"),
        (np.ones((2, 10), dtype=np.float32), "does not fit 1 channel names: give one name per channel"),
        (np.ones((1, 0), dtype=np.float32), "holds nothing"),
    ],
)
def test_wrong_arrays_are_refused(data: object, message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        Recording(data, ("EEG",), 10.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_name_the_first_channel_and_time(noise: Recording, bad: float) -> None:
    data = noise.data.copy()
    data[1, 640] = bad
    data[2, 3] = bad
    with pytest.raises(
        RecordingError, match=r"channel 'T7' holds .* at sample 640 \(5\.000 s\), 2 such values"
    ):
        replace(noise, data=data)


def test_names_are_distinct_and_not_empty(noise: Recording) -> None:
    with pytest.raises(RecordingError, match="'T7' occurs twice"):
        replace(noise, ch_names=("T7", "T7", "O1"))
    with pytest.raises(RecordingError, match="empty name"):
        replace(noise, ch_names=("T7", "", "O1"))


@pytest.mark.parametrize("sfreq", [0.0, -256.0, math.nan, math.inf])
def test_the_rate_is_positive(noise: Recording, sfreq: float) -> None:
    with pytest.raises(RecordingError, match="rate must be positive"):
        replace(noise, sfreq=sfreq)
    with pytest.raises(RecordingError, match="rate must be positive"):
        noise.resample(sfreq)


def test_annotations_lie_within_and_on_known_channels(noise: Recording) -> None:
    with pytest.raises(RecordingError, match="'seizure' ends at 9 s, beyond the end of the recording at 8 s"):
        replace(noise, annotations=(Annotation(1.0, 8.0, "seizure"),))
    with pytest.raises(RecordingError, match="no channel 'Cz'"):
        replace(noise, annotations=(Annotation(1.0, 1.0, "pop", ("Cz",)),))
    rounded = Annotation(1.0, 7.0 + 0.9 / 128, "ends within the last sample's width")
    assert replace(noise, annotations=(rounded,)).annotations == (rounded,)


def test_other_units_are_refused(noise: Recording) -> None:
    with pytest.raises(RecordingError, match=r"not 'V': Recording\.from_array"):
        replace(noise, unit="V")


@pytest.mark.parametrize(("unit", "factor"), [("V", 1e-6), ("mV", 1e-3), ("uV", 1), ("µV", 1), ("nV", 1e3)])
def test_from_array_converts_to_microvolts(noise: Recording, unit: str, factor: float) -> None:
    made = Recording.from_array(
        noise.data.astype(np.float64) * factor, noise.ch_names, noise.sfreq, unit=unit, subject="S01"
    )
    np.testing.assert_allclose(made.data, noise.data, rtol=1e-6)
    assert (made.unit, made.subject, made.data.dtype) == ("uV", "S01", np.float32)


@pytest.mark.parametrize(
    ("values_in", "declared", "message"),
    [
        ("V", "uV", "look like V or mV"),
        ("mV", "uV", "look like V or mV"),
        ("uV", "mV", "smaller unit or raw counts"),
        ("uV", "V", "smaller unit or raw counts"),
    ],
)
def test_an_implausible_unit_is_an_error(
    noise: Recording, values_in: str, declared: str, message: str
) -> None:
    values = noise.data.astype(np.float64) * {"V": 1e-6, "mV": 1e-3, "uV": 1.0}[values_in]
    with pytest.raises(RecordingError, match=f"declared as {declared}.*{message}"):
        Recording.from_array(values, noise.ch_names, noise.sfreq, unit=declared)


def test_an_unknown_unit_is_an_error(noise: Recording) -> None:
    with pytest.raises(RecordingError, match="unit 'MV': known are V, mV, uV"):
        Recording.from_array(noise.data, noise.ch_names, noise.sfreq, unit="MV")


def test_a_value_beyond_float32_is_named(noise: Recording) -> None:
    values = noise.data.astype(np.float64)
    values[0, 5] = 1e300
    with pytest.raises(RecordingError, match="channel 'Fz' holds inf at sample 5"):
        Recording.from_array(values, noise.ch_names, noise.sfreq, unit="uV")


def test_pick_orders_channels_and_keeps_their_annotations(noise: Recording) -> None:
    picked = noise.pick(["O1", "Fz"])
    assert picked.ch_names == ("O1", "Fz")
    np.testing.assert_array_equal(picked.data, noise.data[[2, 0]])
    assert [a.description for a in picked.annotations] == ["seizure"]
    assert noise.pick(["T7"]).annotations == noise.annotations


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("T3", "no channel 'T3'; here it is called 'T7'; available: Fz, T7, O1"),
        ("FZ", "here it is called 'Fz'"),
        ("01", "did you mean 'O1'"),
        ("EMG", "no channel 'EMG'; available: Fz, T7, O1"),
    ],
)
def test_a_missing_channel_is_explained(noise: Recording, name: str, message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        noise.pick(["Fz", name])


def test_crop_clips_and_shifts_annotations(noise: Recording) -> None:
    cropped = noise.crop(2.0, 6.0)
    np.testing.assert_array_equal(cropped.data, noise.data[:, 256:768])
    assert cropped.annotations == (
        Annotation(0.0, 1.0, "seizure"),
        Annotation(2.0, 0.0, "electrode pop", ("T7",)),
    )
    assert noise.crop(3.0).annotations == (Annotation(1.0, 0.0, "electrode pop", ("T7",)),)
    assert noise.crop(0.0, 4.0).annotations == (Annotation(1.0, 2.0, "seizure"),)


@pytest.mark.parametrize(("tmin", "tmax"), [(-1.0, 2.0), (2.0, 2.0), (3.0, 2.0), (0.0, 8.1), (9.0, None)])
def test_crop_stays_inside(noise: Recording, tmin: float, tmax: float | None) -> None:
    with pytest.raises(RecordingError, match=r"the recording covers 0 \.\. 8 s"):
        noise.crop(tmin, tmax)


def test_zscored_normalises_each_channel(noise: Recording) -> None:
    shifted = replace(noise, data=noise.data * 3 + 100)
    normalised = shifted.zscored()
    assert normalised.unit == "z"
    np.testing.assert_allclose(normalised.data.mean(axis=1, dtype=np.float64), 0, atol=1e-6)
    np.testing.assert_allclose(normalised.data.std(axis=1, dtype=np.float64), 1, atol=1e-6)


def test_a_flat_channel_cannot_be_normalised(noise: Recording) -> None:
    data = noise.data.copy()
    data[1] = 5
    with pytest.raises(RecordingError, match="'T7' is flat"):
        replace(noise, data=data).zscored()


def test_require_sfreq_names_both_rates_and_the_remedy(noise: Recording) -> None:
    noise.require_sfreq(128.00001)
    with pytest.raises(RecordingError, match=r"has 128 Hz where 173\.61 Hz is needed: .*resample\(173\.61\)"):
        noise.require_sfreq(173.61)


def test_counts_survive_the_round_trip(noise: Recording) -> None:
    samples, clipped = noise.to_int16(0.125)
    assert (samples.shape, samples.dtype, clipped) == ((1024, 3), np.int16, 0)
    back = Recording.from_int16(samples, 0.125, noise.ch_names, noise.sfreq, annotations=noise.annotations)
    assert np.abs(back.data - noise.data).max() <= 0.0625
    np.testing.assert_array_equal(back.to_int16(0.125)[0], samples)
    assert (back.annotations, back.unit) == (noise.annotations, "uV")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"onset": -1.0}, "neither may be negative"),
        ({"duration": -1.0}, "neither may be negative"),
        ({"onset": math.nan}, "must be finite"),
        ({"duration": math.inf}, "must be finite"),
    ],
)
def test_annotations_have_sound_times(fields: dict[str, float], message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        Annotation(**({"onset": 0.0, "duration": 1.0} | fields), description="x")  # type: ignore[arg-type]
