"""What is said of a model's inputs: what is refused, and the tick that their rates share."""

from __future__ import annotations

import pytest

from edgeeeg_export.errors import CaptureError
from edgeeeg_export.input_spec import InputSpec, common_ticks, require_one_duration


@pytest.mark.parametrize(
    ("rates", "ticks"),
    [
        ({"eeg": 256.0, "emg": 1024.0}, {"eeg": 4, "emg": 1}),
        ({"eeg": 256.0, "emg": 1000.0}, {"eeg": 125, "emg": 32}),
        ({"eeg": 512 / 3, "emg": 256.0}, {"eeg": 3, "emg": 2}),
        ({"eeg": 173.61}, {"eeg": 1}),
    ],
)
def test_the_tick_is_the_slowest_that_every_sample_falls_on(rates, ticks):
    assert common_ticks(rates) == ticks


def test_a_rate_without_a_tick_in_common_is_named():
    with pytest.raises(CaptureError, match=r"input 'emg' at 1000\.00049 Hz has no tick in common"):
        common_ticks({"eeg": 256.0, "emg": 1000.00049})


@pytest.mark.parametrize(
    ("changes", "fragment"),
    [
        ({"unit": "V"}, "must be uV or z"),
        ({"ch_names": ()}, "has no channels"),
        ({"ch_names": ("Cz", "Cz")}, "two channels bear one name"),
        ({"sfreq": float("nan")}, "sfreq (Hz) nan"),
        ({"n_times": 0}, "n_times (samples) 0"),
        ({"lsb": 0.0}, "input 'eeg', lsb: 0 uV per count cannot be computed in float32"),
        ({"lsb": 1e-40}, "lsb: 1e-40 uV per count"),
        ({"lsb": 1e36}, "give the amplifier's step"),
    ],
)
def test_a_description_that_cannot_be(changes, fragment):
    values = {"name": "eeg", "ch_names": ("Cz",), "sfreq": 256.0, "n_times": 64}
    with pytest.raises(CaptureError) as caught:
        InputSpec(**(values | changes))
    assert fragment in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_count_is_worth_its_units_default_or_what_is_said():
    assert InputSpec("eeg", ("Cz",), 256.0, 64).count == 0.125
    assert InputSpec("eeg", ("Cz",), 256.0, 64, "z").count == 2.0**-11
    assert InputSpec("eeg", ("Cz",), 256.0, 64, lsb=1.5).count == 1.5


def test_inputs_last_equally_long_and_bear_names_of_their_own():
    eeg, emg = InputSpec("eeg", ("Cz",), 256.0, 64), InputSpec("emg", ("EMG",), 1024.0, 256)
    require_one_duration((eeg, emg))
    short = InputSpec("emg", ("EMG",), 1024.0, 64)
    with pytest.raises(CaptureError, match="eeg 64 samples at 256 Hz, emg 64 samples at 1024 Hz"):
        require_one_duration((eeg, short))
    with pytest.raises(CaptureError, match="two inputs bear one name: eeg, eeg"):
        require_one_duration((eeg, eeg))
    with pytest.raises(CaptureError, match="input 'left arm' needs a name that C can bear"):
        require_one_duration((eeg, InputSpec("left arm", ("EMG",), 1024.0, 256)))
